//! What must hold at the end.

use std::time::Instant;

use super::is_calm;
use super::report::{Level, Report};
use super::watch::{self, Sample, differs, slope};
use crate::page::Page;
use crate::{BASELINE, Mik, eventually};

/// How much memory may grow, in KiB, however long it takes. Threads, places for instances and the allocator keep what
/// they once had, and each peak that had not come before adds some: on two cores that ends at about 10 MiB.
const NOISE: f64 = 16_384.0;
/// And for each request that was served, in KiB. What leaks at all leaks a string, a header, a task: more than this.
const EACH: f64 = 0.032;

/// Waits until the process has nothing to do, and notes whatever is not as it must be.
pub(super) fn judge(
    mik: &Mik,
    report: &mut Report,
    before: &Sample,
    page: &Page,
    left: u64,
    samples: &[Sample],
) {
    let wrong: u64 = report.deeds.values().map(|count| count.wrong).sum();
    report.check(wrong == 0, || format!("{wrong} things that clients did went wrong"));
    let unexplained = report.unexplained;
    report.check(unexplained == 0, || format!("{unexplained} 5xx that were not asked for"));
    report.check(mik.lives(), || "mik has ended".to_owned());
    if !mik.lives() {
        return;
    }
    report.growth_bound = NOISE + EACH * report.requests as f64;
    back(mik, report, before, page, samples);
    counted(mik, report, page, left);
    memory(report, samples);
    let panics = panics(mik);
    report.check(panics.is_empty(), || format!("panics in the log: {}", panics.join("\n")));
}

/// Gauges, descriptors and threads are what they were.
fn back(mik: &Mik, report: &mut Report, before: &Sample, page: &Page, samples: &[Sample]) {
    let since = Instant::now();
    let mut wrong = Vec::new();
    eventually(BASELINE, || {
        wrong = differs(&watch::page(mik), page);
        if !is_calm(mik) {
            wrong.push(format!("not calm: {}", mik.health()));
        }
        wrong.is_empty()
    });
    // Without a question from here on: each would keep the threads alive that answer it.
    let mut after = Sample::of(mik, since);
    let most = before.memory as f64 + report.growth_bound;
    let is_back =
        |after: &Sample| after.descriptors <= before.descriptors && after.threads <= before.threads;
    eventually(BASELINE, || {
        after = Sample::of(mik, since);
        is_back(&after) && after.memory as f64 <= most
    });
    if !is_back(&after) {
        wrong.push(format!(
            "{} descriptors, {} before; {} threads, {} before: {:?}",
            after.descriptors,
            before.descriptors,
            after.threads,
            before.threads,
            mik.threads()
        ));
    }
    report.back_after = since.elapsed().as_secs_f64();
    for what in wrong {
        report.check(false, || format!("{BASELINE:?} after the end: {what}"));
    }
    let level = |of: fn(&Sample) -> u64| Level {
        before: of(before),
        most: samples.iter().map(of).max().unwrap_or_default(),
        after: of(&after),
    };
    report.memory = level(|sample| sample.memory);
    report.descriptors = level(|sample| sample.descriptors as u64);
    report.threads = level(|sample| sample.threads as u64);
}

/// The server has counted every request that it answered, and none that nobody sent.
fn counted(mik: &Mik, report: &mut Report, page: &Page, left: u64) {
    const REQUESTS: &str = "http_server_request_duration_seconds_count";
    // What this and the waiting before have asked is known to the server alone: by its route.
    let own = ["/metrics", "/health"];
    let traffic = |page: &Page| {
        page.sum(REQUESTS)
            - own
                .map(|route| page.sum(&format!("{REQUESTS}{{http_route=\"{route}\"}}")))
                .iter()
                .sum::<f64>()
    };
    let counted = traffic(&watch::page(mik)) - traffic(page);
    let answered = report.requests as f64;
    let most = answered + left as f64;
    report.check(counted >= answered && counted <= most, || {
        format!("the server counts {counted} requests, of which {answered} were answered and {left} left")
    });
}

/// Memory does not grow with what is served: neither from calm to calm, nor while it is busy, once it has been so for
/// a while.
fn memory(report: &mut Report, samples: &[Sample]) {
    let minutes = report.seconds / 60.0;
    report.slope = slope(&samples[samples.len() / 2..]);
    let (slope, bound) = (report.slope, report.growth_bound);
    let calm = report.memory.after as f64 - report.memory.before as f64;
    report.check(calm <= bound, || {
        format!("memory has grown by {calm:.0} KiB from calm to calm, more than {bound:.0}")
    });
    report.check(slope * minutes / 2.0 <= bound, || {
        format!(
            "memory grows by {slope:.0} KiB a minute while it is busy, {bound:.0} in all at most"
        )
    });
}

/// Lines of panics that were not injected.
fn panics(mik: &Mik) -> Vec<String> {
    let is_one = |line: &String| {
        (line.contains("mik::panic") || line.contains("panic while") || line.contains("panic in a"))
            && !line.contains("injected fault")
    };
    mik.log().lines().into_iter().filter(is_one).take(5).collect()
}
