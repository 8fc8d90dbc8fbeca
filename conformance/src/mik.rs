//! A running `mik`.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::log::Log;
use crate::process::{self, Guard};
use crate::raw::{Answer, Raw, told};
use crate::setup::Setup;

/// How long a start may take; the first one may compile on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A `mik run` that listens. Dropping it kills it; so does the end of the test process.
#[derive(Debug)]
pub struct Mik {
    child: Mutex<Child>,
    pid: Pid,
    guard: Guard,
    address: SocketAddr,
    log: Log,
    stdout: Arc<Mutex<Vec<u8>>>,
    setup: Setup,
    /// Held while a row runs: its checks of gauges would see the calls of another row.
    pub(crate) row: Mutex<()>,
}

impl Mik {
    /// A project of these guests and this `mik.toml`, started.
    pub fn run(guests: &[&str], config: &str) -> Self {
        Setup::new(guests).config(config).start()
    }

    pub(crate) fn start(mut command: Command, setup: Setup) -> Self {
        let mut child = command.spawn().expect("mik runs");
        let pid = process::pid(&child);
        let guard = Guard::over(pid);
        let log = Log::of(child.stderr.take().expect("stderr is a pipe"));
        let stdout = Arc::new(Mutex::new(Vec::new()));
        let mut pipe = child.stdout.take().expect("stdout is a pipe");
        let all = stdout.clone();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                all.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&piece[..read]);
            }
        });
        // Killed if the next lines panic.
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let child = Mutex::new(child);
        let mut mik =
            Self { child, pid, guard, address: unknown, log, stdout, setup, row: Mutex::default() };
        let first = mik.log.wait_for(START, |_| true);
        let address = first
            .as_deref()
            .and_then(|line| line.strip_prefix("listening on http://")?.parse().ok());
        mik.address = address.unwrap_or_else(|| {
            // What went wrong may take more than one line.
            mik.log.wait_for(Duration::from_millis(500), |_| false);
            panic!(
                "the first line is not `listening on http://HOST:PORT`; stderr:\n{}",
                mik.stderr()
            )
        });
        mik
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new connection to it.
    pub fn connect(&self) -> Raw {
        Raw::connect(self.address)
    }

    /// The answer to a GET on a connection of its own.
    pub fn get(&self, target: &str) -> Answer {
        self.connect().get(target)
    }

    /// The answer to a POST on a connection of its own.
    pub fn post(&self, target: &str, body: &[u8]) -> Answer {
        self.connect().request("POST", target, &[], body)
    }

    /// The body of a GET that must be answered with 200.
    pub fn text(&self, target: &str) -> String {
        let answer = self.get(target);
        match &answer {
            Ok(response) if response.status() == 200 && response.is_whole() => response.text(),
            _ => panic!("GET {target}: expected 200, got {}", told(&answer)),
        }
    }

    /// What `/health` says.
    pub fn health(&self) -> serde_json::Value {
        health(self.address)
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> Option<u64> {
        self.health()["in_flight"].as_u64()
    }

    /// Waits until so many calls are in flight; says whether it came to that.
    pub fn wait_in_flight(&self, calls: u64, within: Duration) -> bool {
        eventually(within, || self.in_flight() == Some(calls))
    }

    /// How many modules are loaded.
    pub fn loaded(&self) -> Option<u64> {
        self.health()["modules"]["loaded"].as_u64()
    }

    /// What it has written to stderr.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// All of stderr as text.
    pub fn stderr(&self) -> String {
        self.log.lines().join("\n")
    }

    /// All of stdout, which stays empty while it serves.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout.lock().unwrap_or_else(PoisonError::into_inner))
            .into_owned()
    }

    /// The project.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Takes this moment for the beginning of what [`Mik::peak_memory`] is about.
    pub(crate) fn forget_peak(&self) {
        let path = format!("/proc/{}/clear_refs", self.pid.as_raw_nonzero());
        let _ = std::fs::write(path, "5");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        process::signal(self.pid, signal);
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.setup.path()
    }

    /// The file of a module.
    pub fn module(&self, name: &str) -> PathBuf {
        self.path().join("modules").join(name).with_extension("wasm")
    }

    /// Puts a file in place in one step, as a deployment does.
    pub fn replace(&self, path: &Path, content: impl AsRef<[u8]>) {
        let new = path.with_extension("new");
        std::fs::write(&new, content).expect("the project's folder can be written");
        std::fs::rename(&new, path).expect("a file can be renamed");
    }

    /// Asks it to drain and to end.
    pub fn terminate(&self) {
        process::signal(self.pid, Signal::TERM);
    }

    /// What Ctrl-C sends.
    pub fn interrupt(&self) {
        process::signal(self.pid, Signal::INT);
    }

    /// Asks it to read `mik.toml` again.
    pub fn reload(&self) {
        process::signal(self.pid, Signal::HUP);
    }

    /// Whether it still runs.
    pub fn lives(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub fn exit(&self, within: Duration) -> Option<ExitStatus> {
        let mut status = None;
        eventually(within, || {
            status = self.child().try_wait().ok().flatten();
            status.is_some()
        });
        status
    }

    /// The memory that it holds, in KiB.
    pub fn memory(&self) -> u64 {
        process::memory(self.pid, "VmRSS")
    }

    /// The most memory that it ever held, in KiB.
    pub fn peak_memory(&self) -> u64 {
        process::memory(self.pid, "VmHWM")
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        process::folder(self.pid, "fd").count()
    }

    /// How many threads of each name it has.
    pub(crate) fn threads(&self) -> BTreeMap<String, usize> {
        let mut threads = BTreeMap::new();
        for thread in process::folder(self.pid, "task") {
            // One that has ended meanwhile has no name any more.
            if let Ok(name) = std::fs::read_to_string(thread.join("comm")) {
                *threads.entry(name.trim_end().to_owned()).or_default() += 1;
            }
        }
        threads
    }

    /// The processor time that it has had.
    pub fn cpu(&self) -> Duration {
        process::cpu_of(self.pid)
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mik {
    fn drop(&mut self) {
        self.guard.release();
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// What `/health` of a server says; nothing where it does not answer.
pub(crate) fn health(address: SocketAddr) -> serde_json::Value {
    let answer = Raw::try_connect(address).ok().and_then(|mut raw| raw.get("/health").ok());
    answer.map(|response| response.json()).unwrap_or_default()
}

/// Asks again and again until the answer is yes, or the time is over.
pub fn eventually(within: Duration, mut is_it: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + within;
    loop {
        if is_it() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
