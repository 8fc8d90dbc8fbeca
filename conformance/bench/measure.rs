//! Measuring one server.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::Raw;

use crate::sides::{Server, Side};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(60);

/// Waits for an answer with 200; returns the bytes of its body.
pub(crate) fn verify(server: &Server, target: &str) -> Result<usize, String> {
    let end = Instant::now() + START;
    loop {
        let last = match Raw::try_connect(server.address) {
            Ok(mut raw) => match raw.get(target) {
                Ok(answer) if answer.status() == 200 && answer.is_whole() => {
                    return Ok(answer.body.len());
                }
                Ok(answer) => return Err(format!("GET {target}: {answer}")),
                Err(stop) => stop.to_string(),
            },
            Err(error) => error.to_string(),
        };
        if Instant::now() > end {
            return Err(format!("GET {target}: no answer: {last}"));
        }
        thread::sleep(Duration::from_micros(500));
    }
}

/// Milliseconds from the start of the process to its first answer.
pub(crate) fn first_answer(side: &Side, component: &Path, target: &str) -> Result<f64, String> {
    let started = Instant::now();
    let server = side.start(component)?;
    verify(&server, target)?;
    Ok(started.elapsed().as_secs_f64() * 1_000.0)
}

/// Milliseconds that one request takes on a connection that stands: the first one, or the mean of those after
/// it.
pub(crate) fn one_answer(
    side: &Side,
    component: &Path,
    target: &str,
    first: bool,
) -> Result<f64, String> {
    const LATER: u32 = 200;
    let server = side.start(component)?;
    verify(&server, "/health")?;
    let mut raw = Raw::try_connect(server.address).map_err(|error| error.to_string())?;
    let mut ask = |times: u32| {
        let started = Instant::now();
        for _ in 0..times {
            match raw.get(target) {
                Ok(answer) if answer.status() == 200 => {}
                other => return Err(format!("GET {target}: {}", mik_conformance::told(&other))),
            }
        }
        Ok(started.elapsed().as_secs_f64() * 1_000.0 / f64::from(times))
    };
    let took = ask(1)?;
    if first {
        return Ok(took);
    }
    ask(20)?;
    ask(LATER)
}

/// What one load came to.
pub(crate) struct Load {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Processor time of the server for one request, in microseconds.
    pub(crate) cpu: f64,
}

/// Puts load on a server.
pub(crate) fn load(server: &Server, target: &str, seconds: u32) -> Result<Load, String> {
    let before = server.cpu();
    let url = format!("http://{}{target}", server.address);
    // A slow answer is an answer: by itself, wrk gives up after two seconds.
    let duration = format!("-d{seconds}s");
    let args = ["-t1", "-c32", "--timeout", "20s", &duration, &url];
    let wrk = Command::new("wrk").args(args).output();
    let wrk = wrk.map_err(|error| format!("wrk: {error}"))?;
    let report = String::from_utf8_lossy(&wrk.stdout);
    if !wrk.status.success() {
        return Err(format!("wrk: {report}{}", String::from_utf8_lossy(&wrk.stderr)));
    }
    // Only a server that answered everything, and rightly, has a rate.
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        return Err(format!("not every request was answered:\n{report}"));
    }
    let rate = report.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    let rate = rate.and_then(|rate| rate.trim().parse().ok());
    let rate: f64 = rate.ok_or_else(|| format!("wrk told no rate:\n{report}"))?;
    let requests = report.lines().find_map(|line| line.trim().split_once(" requests in "));
    let requests = requests.and_then(|(number, _)| number.parse::<f64>().ok());
    let requests = requests.ok_or_else(|| format!("wrk told no number of requests:\n{report}"))?;
    let spent = server.cpu().saturating_sub(before);
    Ok(Load { rate, cpu: spent.as_secs_f64() * 1e6 / requests })
}
