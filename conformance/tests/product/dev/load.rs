//! A hundred requests a second while the answer changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::{Mik, Raw, told};

use super::{HELLO, becomes, edit, project, says};

/// Clients, and how long each waits before its next request: a hundred requests a second.
const CLIENTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// What came of the requests.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) answered: usize,
    pub(super) failed: Vec<String>,
    pub(super) took: Duration,
}

/// Sends a hundred requests a second for as long as `meanwhile` runs, on connections that are kept and on new
/// ones in turn. A request fails that is not answered with 200 and one of these texts.
pub(super) fn under_load(
    mik: &Mik,
    target: &str,
    texts: &[&str],
    meanwhile: impl FnOnce(),
) -> Load {
    let (over, load) = (AtomicBool::new(false), Mutex::new(Load::default()));
    let client = |first: u32| {
        let mut next = Instant::now() + PAUSE / CLIENTS * first;
        let mut kept: Option<Raw> = None;
        for count in 0.. {
            if over.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += PAUSE;
            if count % 10 == 0 {
                kept = None;
            }
            let answer = kept.get_or_insert_with(|| mik.connect()).get(target);
            let is_good = answer.as_ref().is_ok_and(|answer| {
                let text = answer.text();
                answer.status() == 200
                    && answer.is_whole()
                    && texts.iter().any(|known| text.contains(known))
            });
            let mut load = load.lock().unwrap_or_else(PoisonError::into_inner);
            load.answered += usize::from(is_good);
            if !is_good {
                load.failed.push(told(&answer));
            }
        }
    };
    let started = Instant::now();
    thread::scope(|scope| {
        for first in 0..CLIENTS {
            scope.spawn(move || client(first));
        }
        // The clients end even if this panics.
        let _over = OnDrop(&over);
        meanwhile();
    });
    let mut load = load.into_inner().unwrap_or_else(PoisonError::into_inner);
    load.took = started.elapsed();
    load
}

struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Load {
    /// None has failed, and about as many were sent as were to be.
    pub(super) fn check(&self, mik: &Mik) {
        assert!(
            self.failed.is_empty(),
            "{} of {} failed, the first: {}; stderr:\n{}",
            self.failed.len(),
            self.answered,
            self.failed[0],
            mik.stderr()
        );
        let rate = self.answered as f64 / self.took.as_secs_f64();
        assert!(rate > 60.0, "only {rate:.0} requests a second");
    }
}

#[test]
fn an_edit_under_load_fails_no_request_and_a_mistake_changes_nothing() {
    const INSPECT: &str = "\"calls\"";
    let mik = project("hello").dev();
    becomes(&mik, "/run/app/", 200, HELLO).unwrap();
    let load = under_load(&mik, "/run/app/", &[HELLO, INSPECT], || {
        edit(&mik, "src/answer", "inspect");
        becomes(&mik, "/run/app/", 200, INSPECT).unwrap();
        edit(&mik, "src/answer", "inspcet");
        says(&mik, &["error: expected one of", "found `inspcet`"]);
        says(&mik, &["failed app"]);
        says(&mik, &["the version built before keeps serving"]);
        assert!(mik.text("/run/app/").contains(INSPECT));
        edit(&mik, "src/answer", "hello");
        becomes(&mik, "/run/app/", 200, HELLO).unwrap();
        // Nothing of the old is left, nor does it come back.
        for _ in 0..50 {
            assert_eq!(mik.text("/run/app/"), HELLO);
        }
    });
    load.check(&mik);
}
