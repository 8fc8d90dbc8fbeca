//! Tools as child processes: what they write is passed on unchanged, and they can be ended.

use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::error::BuildError;

/// Who is told how a build goes on.
pub trait Progress {
    /// A step begins: a verb, and what it is done to.
    fn step(&mut self, step: &str);

    /// A line that a tool has written, unchanged, with its end where it has one. Not called where tools
    /// write for themselves.
    fn tool(&mut self, line: &str);

    /// Where what the tools write is to go.
    fn output(&self) -> ToolOutput {
        ToolOutput::Direct
    }
}

/// Where what a tool writes goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolOutput {
    /// To the standard error of this process: on a terminal tools show colours and how far they are.
    Direct,
    /// To [`Progress::tool`], line by line.
    Lines {
        /// Whether the tools are told to write in colour.
        colour: bool,
    },
}

/// Ends a build from another thread. All copies are one.
#[derive(Debug, Clone, Default)]
pub struct Stopper(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    child: Option<Child>,
    /// Whether the child leads a process group of its own, with all that it starts.
    is_group: bool,
    is_stopped: bool,
}

impl Stopper {
    /// Ends the tool that runs now, or the one that would run next, and the build with it.
    pub fn stop(&self) {
        let mut running = self.running();
        running.is_stopped = true;
        let is_group = running.is_group;
        if let Some(child) = &mut running.child {
            // It may have ended by itself.
            if is_group {
                let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
            } else {
                let _ = child.kill();
            }
        }
    }

    /// Starts a tool, unless the build has ended.
    fn start(&self, command: &mut Command, is_group: bool) -> io::Result<Option<Pipes>> {
        let mut running = self.running();
        running.is_group = is_group;
        if std::mem::take(&mut running.is_stopped) {
            return Ok(None);
        }
        let mut child = command.spawn()?;
        let pipes = (child.stdout.take(), child.stderr.take());
        running.child = Some(child);
        Ok(Some(pipes))
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the child, in small steps so that it can be ended meanwhile.
    fn wait(&self) -> io::Result<(Option<ExitStatus>, bool)> {
        loop {
            let mut running = self.running();
            let status = match &mut running.child {
                Some(child) => child.try_wait()?,
                None => return Ok((None, true)),
            };
            if status.is_some() {
                running.child = None;
                return Ok((status, std::mem::take(&mut running.is_stopped)));
            }
            drop(running);
            thread::sleep(Duration::from_millis(5));
        }
    }
}

type Pipes = (Option<ChildStdout>, Option<ChildStderr>);

/// Runs the tools of one build.
pub(super) struct Runner<'a> {
    folder: &'a Path,
    stopper: &'a Stopper,
    progress: &'a mut dyn Progress,
}

/// A line from a pipe.
enum Line {
    Out(String),
    Err(String),
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        folder: &'a Path,
        stopper: &'a Stopper,
        progress: &'a mut dyn Progress,
    ) -> Self {
        Self { folder, stopper, progress }
    }

    /// Runs a tool in the project's folder. What it writes to its standard output is for people too.
    pub(super) fn run(&mut self, command: Command) -> Result<(), BuildError> {
        self.run_with(command, None)
    }

    /// The same, with its standard output read line by line. A line that `take` does not want is for people.
    pub(super) fn run_with(
        &mut self,
        mut command: Command,
        mut take: Option<&mut dyn FnMut(&str) -> bool>,
    ) -> Result<(), BuildError> {
        let name = command_line(&command);
        self.progress.step(&name);
        let failed = |reason| BuildError::Start { tool: name.clone(), reason };
        command.current_dir(self.folder).stdin(Stdio::null());
        let is_direct = self.direct(&mut command).map_err(failed)?;
        if take.is_some() || !is_direct {
            command.stdout(Stdio::piped());
        }
        if !is_direct {
            // Who reads the lines may end the build: what the tool has started must not outlive it. One that
            // writes to the terminal stays in the group that Ctrl-C is for.
            command.process_group(0);
        }
        let pipes = self.stopper.start(&mut command, !is_direct).map_err(failed)?;
        let Some((out, err)) = pipes else { return Err(BuildError::Stopped) };
        let (lines, received) = mpsc::channel();
        let threads = [
            out.map(|pipe| pass_on(pipe, lines.clone(), Line::Out)),
            err.map(|pipe| pass_on(pipe, lines.clone(), Line::Err)),
        ];
        drop(lines);
        for line in received {
            match line {
                Line::Out(line) if take.as_mut().is_some_and(|take| take(&line)) => {}
                Line::Out(line) | Line::Err(line) => self.progress.tool(&line),
            }
        }
        for thread in threads.into_iter().flatten() {
            let _ = thread.join();
        }
        match self.stopper.wait().map_err(failed)? {
            (_, true) | (None, _) => Err(BuildError::Stopped),
            (Some(status), false) if status.success() => Ok(()),
            (Some(status), false) => Err(BuildError::Failed { command: name, status }),
        }
    }

    /// Whether tools write for themselves; says so to `command`.
    fn direct(&self, command: &mut Command) -> io::Result<bool> {
        match self.progress.output() {
            ToolOutput::Direct => {
                // Standard output is for what mik itself was asked for.
                command.stdout(io::stderr().as_fd().try_clone_to_owned()?);
                command.stderr(Stdio::inherit());
                Ok(true)
            }
            ToolOutput::Lines { colour } => {
                if colour {
                    command.env("CARGO_TERM_COLOR", "always").env("CLICOLOR_FORCE", "1");
                    command.env("FORCE_COLOR", "1");
                }
                command.stderr(Stdio::piped());
                Ok(false)
            }
        }
    }
}

/// Reads a pipe to its end in a thread of its own.
fn pass_on(
    pipe: impl Read + Send + 'static,
    lines: Sender<Line>,
    kind: fn(String) -> Line,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if lines.send(kind(text)).is_err() {
                return;
            }
            line.clear();
        }
    })
}

/// A command as a person would type it.
fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args()).map(|word| word.to_string_lossy());
    // How cargo tells what it has made is between it and mik.
    let words = words.filter(|word| !word.starts_with("--message-format"));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[derive(Default)]
    struct Notes {
        steps: Vec<String>,
        lines: Vec<String>,
    }

    impl Progress for Notes {
        fn step(&mut self, step: &str) {
            self.steps.push(step.to_owned());
        }

        fn tool(&mut self, line: &str) {
            self.lines.push(line.to_owned());
        }

        fn output(&self) -> ToolOutput {
            ToolOutput::Lines { colour: true }
        }
    }

    fn sh(line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]);
        command
    }

    #[test]
    fn lines_are_passed_on_unchanged() {
        let (mut notes, stopper) = (Notes::default(), Stopper::default());
        let mut runner = Runner::new(Path::new("/"), &stopper, &mut notes);
        runner.run(sh("printf 'a\\033[31m\\tb\\n\\nend' >&2")).unwrap();
        assert_eq!(notes.lines, ["a\u{1b}[31m\tb\n", "\n", "end"]);
        assert!(notes.steps[0].starts_with("sh -c "), "{:?}", notes.steps);
    }

    #[test]
    fn tools_run_in_the_folder_and_are_told_of_colour() {
        let (mut notes, stopper) = (Notes::default(), Stopper::default());
        let mut taken = Vec::new();
        let mut take = |line: &str| {
            let is_wanted = line.starts_with('{');
            taken.extend(is_wanted.then(|| line.to_owned()));
            is_wanted
        };
        let mut runner = Runner::new(Path::new("/"), &stopper, &mut notes);
        let line = "echo '{}'; pwd; echo $CARGO_TERM_COLOR; read -r x || echo no input";
        runner.run_with(sh(line), Some(&mut take)).unwrap();
        assert_eq!(taken, ["{}\n"]);
        assert_eq!(notes.lines, ["/\n", "always\n", "no input\n"]);
    }

    #[test]
    fn a_failure_names_the_command_and_how_it_ended() {
        let (mut notes, stopper) = (Notes::default(), Stopper::default());
        let mut runner = Runner::new(Path::new("/"), &stopper, &mut notes);
        let error = runner.run(sh("exit 3")).unwrap_err();
        assert!(
            !error.is_told() && error.to_string().ends_with("failed: exit status: 3"),
            "{error}"
        );
        let error = runner.run(Command::new("/no/such/tool")).unwrap_err().to_string();
        assert!(error.starts_with("cannot run tool: "), "{error}");
    }

    #[test]
    fn a_build_can_be_ended_from_another_thread() {
        let (mut notes, stopper) = (Notes::default(), Stopper::default());
        let started = Instant::now();
        let other = stopper.clone();
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            other.stop();
        });
        let mut runner = Runner::new(Path::new("/"), &stopper, &mut notes);
        let error = runner.run(sh("exec sleep 60")).unwrap_err();
        assert!(matches!(error, BuildError::Stopped), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
        thread.join().unwrap();
        // Ended before its tool runs, too; and the next one runs again.
        stopper.stop();
        assert!(matches!(runner.run(sh("true")), Err(BuildError::Stopped)));
        runner.run(sh("true")).unwrap();
    }
}
