//! The five minutes of the README, line by line, in an empty folder.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::{Setup, folders, mik, repository, toolchain};
use rustix::process::{Pid, Signal, kill_process_group};

/// What the README says before its first commands.
const HEADING: &str = "## Five minutes";
/// Lines that get what a machine needs. This one has it, or cannot get it.
const GETS: [&str; 2] = ["rustup target add", "cargo install"];
/// Within this a first build has ended and its result is served.
const SERVED: Duration = Duration::from_secs(120);

/// The blocks of code below the heading: what to run, then what to ask and what it answers.
struct Steps {
    commands: Vec<String>,
    question: String,
    answer: String,
}

impl Steps {
    fn of_the_readme() -> Self {
        let readme = fs::read_to_string(repository().join("README.md")).expect("there is a README");
        let (_, section) = readme.split_once(HEADING).expect("the README has the five minutes");
        let blocks: Vec<&str> = section.split("```").skip(1).step_by(2).take(2).collect();
        let [commands, talk] = blocks[..] else { panic!("two blocks below {HEADING}") };
        let commands = commands.strip_prefix("sh\n").expect("commands are a block of sh");
        let talk = talk.strip_prefix("console\n$ ").expect("what it answers is a block of console");
        let (question, answer) = talk.split_once('\n').expect("a question has an answer");
        let commands =
            commands.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
        Self {
            commands: commands.filter(|line| !line.is_empty()).map(str::to_owned).collect(),
            question: question.to_owned(),
            answer: answer.to_owned(),
        }
    }
}

/// A terminal of somebody who begins: a folder, and the environment.
struct Shell {
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Shell {
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(&self.folder).stdin(Stdio::null()).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a line to its end; `cd` moves on.
    fn run(&mut self, line: &str) -> Output {
        let output = self.command(line).output().expect("sh runs");
        if let Some(folder) = line.strip_prefix("cd ") {
            self.folder.push(folder);
        }
        output
    }
}

/// What runs until it is told to stop.
struct Running(Child);

impl Running {
    fn stop(mut self) -> Option<i32> {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::INT);
        self.0.wait().expect("a child can be waited for").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// The port of the README where it is free, else another one.
fn port() -> u16 {
    let listener =
        TcpListener::bind(("127.0.0.1", 3000)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    let address = listener.and_then(|listener| listener.local_addr());
    address.expect("there is a free port").port()
}

fn environment(home: &Path, port: u16) -> Vec<(&'static str, String)> {
    let binaries = mik().parent().expect("a file lies in a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut all = toolchain().map_or_else(folders, <[_]>::to_vec);
    all.push(("PATH", format!("{binaries}:{path}")));
    all.push(("HOME", home.display().to_string()));
    if port != 3000 {
        all.push(("MIK_PORT", port.to_string()));
    }
    all
}

/// Without the target nothing can be built here: that is said, with what helps. What a build would have put
/// into `modules/` comes from a handler that is committed.
fn build_elsewhere(shell: &mut Shell, line: &str) {
    let output = shell.run(line);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("rustup target add wasm32-wasip2"), "{told}");
    let other = Setup::new(&[]).composed("quickstart", "my-api");
    let modules = shell.folder.join("modules");
    fs::create_dir_all(&modules).expect("the folder is this test's");
    let copied = fs::copy(other.path().join("modules/my-api.wasm"), modules.join("my-api.wasm"));
    copied.expect("what was built can be copied");
}

#[test]
fn the_five_minutes_of_the_readme() {
    let steps = Steps::of_the_readme();
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let port = port();
    let folder = home.path().join("empty");
    fs::create_dir(&folder).expect("the folder is this test's");
    let mut shell = Shell { folder, environment: environment(home.path(), port) };
    let (last, first) = steps.commands.split_last().expect("there are commands");
    for line in first {
        if GETS.iter().any(|gets| line.starts_with(gets)) {
            continue;
        }
        if line.starts_with("mik build") && toolchain().is_none() {
            build_elsewhere(&mut shell, line);
            continue;
        }
        let output = shell.run(line);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{told}");
        assert!(!told.contains("warning"), "{line}\n{told}");
    }
    assert!(last.starts_with("mik dev"), "the last command serves: {last}");
    let log = home.path().join("log");
    let told = fs::File::create(&log).expect("the folder is this test's");
    // Not below a shell, which would die of the signal that ends it.
    let mut serve = shell.command(&format!("exec {last}"));
    std::os::unix::process::CommandExt::process_group(&mut serve, 0);
    let running = Running(serve.stderr(told).stdout(Stdio::null()).spawn().expect("sh runs"));
    let question = steps.question.replace(":3000/", &format!(":{port}/"));
    let started = Instant::now();
    let answer = loop {
        let output = shell.run(&question);
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if answer == steps.answer.trim() || started.elapsed() > SERVED {
            break answer;
        }
        thread::sleep(Duration::from_millis(100));
    };
    let told = || fs::read_to_string(&log).unwrap_or_default();
    assert_eq!(answer, steps.answer.trim(), "{question}\n{}", told());
    assert_eq!(running.stop(), Some(0), "{}", told());
}
