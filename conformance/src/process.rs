//! What the operating system says of a process.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The process number of a child.
pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Sends a signal; a process that is gone gets none.
pub(crate) fn signal(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}

/// A line of `/proc/PID/status` in KiB, such as `VmRSS`.
pub(crate) fn memory(pid: Pid, line: &str) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("/proc says nothing of {line}"))
}

/// What lies in a folder of `/proc/PID`, such as `fd`; nothing where the process is gone.
pub(crate) fn folder(pid: Pid, name: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(format!("/proc/{}/{name}", pid.as_raw_nonzero()));
    entries.into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The processor time that a child has had, in user and in system mode.
pub fn cpu(child: &Child) -> Duration {
    cpu_of(pid(child))
}

pub(crate) fn cpu_of(pid: Pid) -> Duration {
    let stat =
        fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    // The command's name stands in parentheses and may hold anything.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // USER_HZ is 100 on every Linux.
    Duration::from_millis(ticks * 10)
}

/// Kills a process when this one ends, however it ends: a test that is killed leaves nothing running.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    pub(crate) fn over(pid: Pid) -> Self {
        // The pipe to its stdin closes when this process is gone.
        let wait = format!("cat >/dev/null; kill -KILL {}", pid.as_raw_nonzero());
        let guard = Command::new("sh")
            .args(["-c", &wait])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(guard.expect("sh runs"))
    }

    /// Lets go. To be called before the process is waited for, as its number may be used again after.
    pub(crate) fn release(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
