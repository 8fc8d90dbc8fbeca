//! One case on one subject.

mod actions;
mod exchange;
mod judge;
mod metrics;
mod rules;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use exchange::{Exchange, Line};
use mik_core::units::ByteSize;

use crate::case::{Action, Case, Filled, Run, Sent, Step, Text};
use crate::cases::Outcome;
use crate::log::Log;
use crate::page::Page;
use crate::row::beside;
use crate::subject::{Running, Subject};

/// How long a line of the log may take.
const LINE: Duration = Duration::from_secs(10);
/// How long the end of a process may take, beyond what its case says.
const END: Duration = Duration::from_secs(60);

/// Runs a case on what is running.
pub(crate) fn run(case: &Case, subject: &Subject, running: &Running) -> Outcome {
    let mark = running.log().map_or(0, Log::mark);
    let page = match running.address() {
        Some(address) if !case.says.metrics.is_empty() => Some((address, Page::of(address)?)),
        _ => None,
    };
    let memory = running.process().map(|mik| {
        mik.forget_peak();
        mik.memory()
    });
    let mut course = Course {
        subject,
        running,
        lines: HashMap::new(),
        kept: running.filled.clone(),
        held: Vec::new(),
    };
    let mut steps = || course.run(&case.steps, &case.beside());
    match running.address() {
        Some(address) => beside(address, &case.beside(), steps)?,
        None => steps()?,
    }
    let filled = course.kept.clone();
    // What is still open ends with the case.
    drop(course);
    if let Some((address, page)) = page {
        metrics::changes(&page, address, &case.says.metrics)?;
    }
    logged(case, running, mark, &filled)?;
    if let (Some(most), Some(mik), Some(before)) = (&case.says.peak, running.process(), memory) {
        let most: ByteSize =
            most.parse().map_err(|error: mik_core::units::InvalidUnit| error.to_string())?;
        let grown = mik.peak_memory().saturating_sub(before) * 1024;
        if grown > most.as_usize() as u64 {
            return Err(format!("it held {} KiB more than before, not {most}", grown / 1024));
        }
    }
    match (case.says.exit, running.process()) {
        (Some(code), Some(mik)) => {
            let status = mik.exit(END).ok_or("the process does not end")?;
            if status.code() == Some(code) {
                Ok(())
            } else {
                Err(format!("it ended with {status}, not {code}"))
            }
        }
        _ => running.is_back(),
    }
}

/// The lines that the log must have, and those that it must not.
fn logged(case: &Case, running: &Running, mark: usize, with: &Filled) -> Outcome {
    let Some(log) = running.log() else { return Ok(()) };
    for texts in &case.says.log {
        let texts: Vec<_> = texts.0.iter().map(|text| text.text(with)).collect::<Result<_, _>>()?;
        let has = |line: &String| texts.iter().all(|text| line.contains(text.as_str()));
        if !crate::mik::eventually(LINE, || log.since(mark).iter().any(has)) {
            let lines = log.since(mark).join("\n      ");
            return Err(format!("no line of the log has {texts:?}; it has\n      {lines}"));
        }
    }
    if case.says.no_log.is_empty() {
        return Ok(());
    }
    running.is_back()?;
    log.settle();
    for text in &case.says.no_log {
        let text = text.text(with)?;
        if let Some(line) = log.since(mark).into_iter().find(|line| line.contains(&text)) {
            return Err(format!("a line of the log has {text:?}: {line}"));
        }
    }
    Ok(())
}

/// The steps of a case, and what lasts from one to the next.
struct Course<'a> {
    subject: &'a Subject,
    running: &'a Running,
    lines: HashMap<String, Line>,
    kept: Filled,
    /// Connections that stay until the end.
    held: Vec<Line>,
}

impl Course<'_> {
    fn run(&mut self, steps: &[Step], beside: &[(String, String)]) -> Outcome {
        for (index, step) in steps.iter().enumerate() {
            let outcome = self.step(step, beside);
            outcome.map_err(|failure| {
                if steps.len() > 1 { format!("step {}: {failure}", index + 1) } else { failure }
            })?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, beside: &[(String, String)]) -> Outcome {
        let cpu = self.running.process().map(crate::mik::Mik::cpu);
        match &step.action {
            Action::Exchange { sent, to_origin, drip, finish, run } => {
                let address = self.address(*to_origin)?;
                self.exchange(step, sent.as_ref(), address, (*drip, *finish, *run), beside)?;
            }
            Action::Command(args) => self.command(args, step)?,
            other => self.act(other)?,
        }
        if let Some(pause) = step.pause {
            thread::sleep(pause);
        }
        let most = step.expect.as_ref().and_then(|expect| expect.cpu);
        match (most, cpu, self.running.process()) {
            (Some(most), Some(before), Some(mik)) => {
                let took = mik.cpu().saturating_sub(before);
                if took <= most {
                    Ok(())
                } else {
                    Err(format!("it took {took:?} of processor time"))
                }
            }
            _ => Ok(()),
        }
    }

    fn address(&self, to_origin: bool) -> Result<SocketAddr, String> {
        match &self.running.origin {
            Some(origin) if to_origin => Ok(origin.address()),
            None if to_origin => Err("the setup has no `origin = true`".to_owned()),
            _ => self.running.address().ok_or_else(|| "nothing serves here".to_owned()),
        }
    }

    fn exchange(
        &mut self,
        step: &Step,
        sent: Option<&Sent>,
        address: SocketAddr,
        (drip, finish, run): (Option<Duration>, bool, Run),
        beside: &[(String, String)],
    ) -> Outcome {
        let further =
            beside.first().map_or(crate::HELLO, |(target, text)| (target.as_str(), text.as_str()));
        let exchange = Exchange { step, sent, drip, finish, address, further };
        let mut line = self.lines.remove(&step.on);
        if line.is_none() && sent.is_none() && !finish {
            return Err(format!("nothing was sent on the connection {:?}", step.on));
        }
        let made = exchange.run(run, &mut line, &self.kept);
        if let Some(line) = line {
            self.lines.insert(step.on.clone(), line);
        }
        made.outcome?;
        if let Some(name) = step.keep.keys().find(|name| !made.kept.contains_key(*name)) {
            return Err(format!("there is no field to keep as `{name}`"));
        }
        self.kept.kept.extend(made.kept);
        Ok(())
    }

    fn text(&self, text: &Text) -> Result<String, String> {
        text.text(&self.kept)
    }
}
