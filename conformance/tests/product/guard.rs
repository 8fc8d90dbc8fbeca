//! Row 28: keys past counting. What else the rate limit does stands in the cases.

use std::ops::Range;

use mik_conformance::{Cases, Mik, Outcome, Raw, request};

/// Keys that the limit remembers.
const REMEMBERED: u64 = 1_000;

/// How many keys are remembered, as the page of metrics says.
fn keys(mik: &Mik) -> u64 {
    let page = mik.text("/metrics");
    let line = page.lines().find(|line| line.starts_with("mik_rate_limit_keys"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

/// One request from each of these addresses, a hundred at a time; all must be let in.
fn come(raw: &mut Raw, numbers: Range<u32>) -> Outcome {
    for start in numbers.clone().step_by(100) {
        let batch = start..numbers.end.min(start + 100);
        let one = |number| {
            let client = address(number);
            request("GET", "/run/echo/", &[("x-forwarded-for", &client)], b"")
        };
        let sent: Vec<u8> = batch.clone().flat_map(one).collect();
        raw.send(sent).map_err(|error| error.to_string())?;
        for number in batch {
            let response = raw.response().map_err(|stop| format!("address {number}: {stop}"))?;
            if response.status() != 200 {
                return Err(format!("address {number}: {response}"));
            }
        }
    }
    Ok(())
}

/// A different address for each number.
fn address(number: u32) -> String {
    std::net::Ipv4Addr::from_bits(0xb000_0000 | number).to_string()
}

#[test]
fn row_28_many_keys_are_bounded() {
    let config = format!(
        "[modules.echo.rate-limit]\nrequests = 3\nper = \"1h\"\nmax_keys = {REMEMBERED}\n\
         trusted_proxies = [\"127.0.0.0/8\"]\n"
    );
    let mik = Mik::run(&["hello", "echo"], &config);
    let mut cases = Cases::of("row 28: many keys");
    mik.case(&mut cases, "thirty thousand addresses", || {
        let mut raw = mik.connect();
        come(&mut raw, 0..5_000)?;
        let (memory, before) = (mik.memory(), keys(&mik));
        come(&mut raw, 5_000..30_000)?;
        let grown = mik.memory().saturating_sub(memory);
        let kept = keys(&mik);
        if !(REMEMBERED / 2..=REMEMBERED).contains(&kept) || before > REMEMBERED {
            return Err(format!("{before}, then {kept} keys are remembered"));
        }
        // 25,000 keys, were they kept, would be about 2 MiB.
        if grown > 1024 { Err(format!("memory grew by {grown} KiB")) } else { Ok(()) }
    });
    cases.finish();
}
