//! What a step does beside exchanging messages.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use super::rules::bytes;
use super::{Course, Line};
use crate::case::{Action, SignalName, Step, Text, Write};
use crate::cases::Outcome;
use crate::mik::eventually;
use crate::raw::Raw;

/// How long it may take until so many calls are in flight.
const FLIGHT: Duration = Duration::from_secs(20);

impl Course<'_> {
    pub(super) fn act(&mut self, action: &Action) -> Outcome {
        let address = self.running.address();
        let served = || address.ok_or_else(|| "nothing serves here".to_owned());
        match action {
            Action::Knock(times) => {
                for _ in 0..*times {
                    Raw::try_connect(served()?).map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            Action::Open(connections) => {
                for _ in 0..*connections {
                    self.held.push(Line::open(served()?)?);
                }
                Ok(())
            }
            Action::Close(name) => self.taken(name).map(drop),
            Action::Reset(name) => self.taken(name).map(Line::reset),
            Action::Signal(name) => {
                let mik = self.running.process().ok_or("there is no process")?;
                mik.signal(match name {
                    SignalName::Term => Signal::TERM,
                    SignalName::Int => Signal::INT,
                    SignalName::Hup => Signal::HUP,
                });
                Ok(())
            }
            Action::Write(write) => self.write(write),
            Action::Clock(seconds) => {
                self.running.clock.as_ref().ok_or("there is no clock to move")?.jump(*seconds);
                Ok(())
            }
            Action::InFlight(calls) => {
                let mut last = None;
                let so = eventually(FLIGHT, || {
                    last = self.running.in_flight();
                    last == Some(*calls)
                });
                if so { Ok(()) } else { Err(format!("{last:?} calls are in flight, not {calls}")) }
            }
            Action::Wait | Action::Exchange { .. } | Action::Command(_) => Ok(()),
        }
    }

    fn taken(&mut self, name: &str) -> Result<Line, String> {
        self.lines.remove(name).ok_or_else(|| format!("there is no connection {name:?}"))
    }

    fn write(&self, write: &Write) -> Outcome {
        let setup = self.running.setup().ok_or("there is no project here")?;
        let path = setup.path().join(&write.path);
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        if write.remove {
            return fs::remove_file(&path).map_err(told);
        }
        if let Some(length) = write.truncate {
            let file = fs::OpenOptions::new().write(true).open(&path).map_err(told)?;
            return file.set_len(length).map_err(told);
        }
        let mut content = if write.append { fs::read(&path).map_err(told)? } else { Vec::new() };
        match (&write.text, &write.guest) {
            (Some(text), _) => content.extend(text.bytes(&self.kept)?),
            (None, Some(guest)) => content.extend(
                self.subject
                    .component(guest)
                    .ok_or_else(|| format!("there is no guest {guest}"))?,
            ),
            (None, None) => {}
        }
        // In one step, as a deployment does.
        let new = path.with_extension("new");
        fs::write(&new, content).and_then(|()| fs::rename(&new, &path)).map_err(told)
    }

    pub(super) fn command(&self, args: &[Text], step: &Step) -> Outcome {
        let setup = self.running.setup().ok_or("there is no project here")?;
        let args: Vec<_> = args.iter().map(|arg| self.text(arg)).collect::<Result<_, _>>()?;
        let ended = setup.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let expect = step.expect.clone().unwrap_or_default();
        let both = format!("{}{}", ended.stdout, ended.stderr);
        let code = expect.exit.unwrap_or(0);
        let mut outcome = if ended.code() == Some(code) {
            Ok(())
        } else {
            Err(format!("it ended with {}, not {code}", ended.status))
        };
        for (what, rule, found) in [
            ("stdout", &expect.stdout, &ended.stdout),
            ("stderr", &expect.stderr, &ended.stderr),
            ("the output", &expect.output, &both),
        ] {
            // The last line end is not what such a text is about.
            let judged =
                |rule| bytes(what, rule, found.trim_end_matches('\n').as_bytes(), &self.kept);
            outcome = outcome.and_then(|()| rule.as_ref().map_or(Ok(()), judged));
        }
        outcome.map_err(|failure| {
            format!(
                "mik {}: {failure}\n--- stdout\n{}--- stderr\n{}",
                args.join(" "),
                ended.stdout,
                ended.stderr
            )
        })
    }
}
