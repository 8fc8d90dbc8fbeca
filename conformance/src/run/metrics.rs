//! How series of `/metrics` change in a case.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::case::Number;
use crate::cases::Outcome;
use crate::mik::eventually;
use crate::page::Page;

/// How long counters may take to catch up: a call is counted when its body has ended.
const LATE: Duration = Duration::from_secs(10);

/// Waits until the series have changed as they must since `before`.
pub(super) fn changes(
    before: &Page,
    address: SocketAddr,
    wanted: &BTreeMap<String, Number>,
) -> Outcome {
    let mut outcome = Ok(());
    eventually(LATE, || {
        outcome = Page::of(address).and_then(|now| {
            wanted.iter().try_for_each(|(series, number)| {
                let by = now.sum(series) - before.sum(series);
                if number.holds(by) {
                    Ok(())
                } else {
                    Err(format!("{series} changed by {by}, not {number}"))
                }
            })
        });
        outcome.is_ok()
    });
    outcome
}
