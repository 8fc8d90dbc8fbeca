//! A long bath in mixed traffic: whether anything grows, stays behind or breaks that no single case would show.
//!
//! Clients do all that mik does, on kept and on new connections, and look at every byte that comes back; some leave,
//! are slow, or do not speak HTTP; one request in a hundred asks for a failure. At the end nothing may have
//! gone wrong that was not asked for, and the process must be what it was after the warm-up.

mod client;
mod faults;
mod judge;
mod odd;
mod project;
mod random;
mod report;
mod watch;
mod well;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::client::{Client, Deed, Tally, World};
use self::judge::judge;
use self::watch::{Sample, watch};
use crate::{BASELINE, Mik, Origin, eventually};

pub use self::client::Count;
pub use self::report::{Level, Report};

/// What to soak, and how long.
#[derive(Debug, Clone)]
pub struct Soak {
    /// How long it is measured. The warm-up comes before.
    pub time: Duration,
    /// Clients at the same time. Beside these there are three that are never done in time.
    pub clients: usize,
    /// Where chance begins: the same seed draws the same requests for each client.
    pub seed: u64,
    /// Another `mik` than the one of this build.
    pub mik: Option<PathBuf>,
}

impl Default for Soak {
    fn default() -> Self {
        Self { time: Duration::from_secs(60), clients: 8, seed: 1, mik: None }
    }
}

/// Of a thousand things that clients do, so many ask for a failure …
const FAULTS: u64 = 10;
/// … and so many are odd.
const ODD: u64 = 40;

/// Starts `mik` on a project of all that it can do, soaks it, and says what that came to.
///
/// # Panics
/// Where it does not start, with what it says.
pub fn soak(options: &Soak) -> Report {
    let origin = Origin::start();
    let mik = project::start(&origin, options.mik.as_deref());
    let etag = mik.get("/static/page.txt").ok();
    let etag = etag.and_then(|page| page.field("etag").map(ToOwned::to_owned));
    let world = World {
        address: mik.address(),
        origin: origin.address(),
        page: project::page(),
        etag: etag.unwrap_or_default(),
        is_over: AtomicBool::new(false),
    };
    let mut report = Report { seed: options.seed, ..Report::default() };

    // All modules are loaded, all pools and caches as full as they get.
    let warm_up = (options.time / 2).clamp(Duration::from_secs(3), Duration::from_secs(30));
    let mut warm = Report::default();
    each_once(&world, &mut warm);
    traffic(&world, options, options.seed ^ 1, warm_up, &mut warm);
    report.failures.append(&mut warm.failures);
    report.unexplained += warm.unexplained;
    report.samples.append(&mut warm.samples);
    let calm = eventually(BASELINE, || is_calm(&mik));
    // Threads that wait for work end after ten seconds.
    thread::sleep((options.time / 5).min(Duration::from_secs(12)));
    report.check(calm, || format!("not calm {BASELINE:?} after the warm-up: {}", mik.health()));
    let before = Sample::of(&mik, Instant::now());
    let page = watch::page(&mik);

    let stop = AtomicBool::new(false);
    let began = Instant::now();
    let (left, samples) = thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&mik, &stop));
        let left = traffic(&world, options, options.seed, options.time, &mut report);
        stop.store(true, Ordering::Relaxed);
        (left, watching.join().unwrap_or_default())
    });
    report.seconds = began.elapsed().as_secs_f64();
    judge(&mik, &mut report, &before, &page, left, &samples);
    report
}

/// Everything is done once, so that what is never right is told as such.
fn each_once(world: &World, report: &mut Report) {
    let mut client = Client::of(world, 0);
    for deed in well::DEEDS.iter().chain(odd::DEEDS).chain(faults::DEEDS) {
        client.act(deed);
    }
    report.add(client.tally);
    let wrong: Vec<_> = report.deeds.iter().filter(|(_, count)| count.wrong > 0).collect();
    let wrong: Vec<_> = wrong.into_iter().map(|(name, _)| *name).collect();
    report.check(wrong.is_empty(), || format!("wrong from the start: {wrong:?}"));
}

/// Clients of all kinds at the same time. Returns how many requests were sent of which no answer was read.
fn traffic(world: &World, options: &Soak, seed: u64, time: Duration, report: &mut Report) -> u64 {
    world.is_over.store(false, Ordering::Relaxed);
    let work = |seed: u64, stalls: Option<&'static Deed>| -> Tally {
        let mut client = Client::of(world, seed);
        while client.goes_on() {
            let drawn = client.random.below(1_000);
            match stalls {
                Some(stall) => client.act(stall),
                None if drawn < FAULTS => client.one_of(faults::DEEDS),
                None if drawn < FAULTS + ODD => client.one_of(odd::DEEDS),
                None => client.one_of(well::DEEDS),
            }
        }
        client.tally
    };
    let seed_of = |number: usize| seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
    let work = &work;
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let stalls = odd::STALLS.iter().map(Some).chain(std::iter::repeat_n(None, options.clients));
        let all: Vec<_> = stalls
            .enumerate()
            .map(|(number, stall)| scope.spawn(move || work(seed_of(number), stall)))
            .collect();
        thread::sleep(time);
        world.is_over.store(true, Ordering::Relaxed);
        all.into_iter()
            .map(|client| {
                client.join().unwrap_or_else(|_| Tally {
                    deeds: [("panics itself", Count { done: 1, wrong: 1 })].into(),
                    ..Tally::default()
                })
            })
            .collect()
    });
    let left = tallies.iter().map(|tally| tally.left).sum();
    tallies.into_iter().for_each(|tally| report.add(tally));
    left
}

/// Nothing is in flight, and no connection is open but the one that asks.
fn is_calm(mik: &Mik) -> bool {
    let page = watch::page(mik);
    mik.in_flight() == Some(0)
        && page.sum("mik_calls_in_flight") == 0.0
        && page.sum("http_server_active_requests") == 1.0
        && page.sum("mik_server_connections") <= 1.0
}
