//! The keys that are pressed while `mik dev` runs.
//!
//! The terminal hands out keys as they come and does not show them; all else stays as it was, so Ctrl-C and
//! Ctrl-Z still are signals. It gets its own mode back on every way out.

use std::io::{self, IsTerminal, Stdin};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal as Number, getpgrp, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How often it is looked whether the terminal is ours, while it is not.
const LOOK: Duration = Duration::from_millis(100);
/// The longest wait for a key before that is looked at, too.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Rebuild,
    Open,
    Quit,
}

/// Reads keys for as long as it lives.
pub(super) struct Keys {
    pressed: UnboundedReceiver<Key>,
    /// Ctrl-Z.
    suspend: Signal,
    /// Ctrl-\.
    quit: Signal,
    _terminal: Terminal,
}

/// Gives the terminal its mode back when it is dropped.
struct Terminal;

/// What has been done to the terminal: there is one for a process.
static MODE: Mutex<Mode> = Mutex::new(Mode::Own);

enum Mode {
    /// Nothing.
    Own,
    /// It hands out keys; this is how it was.
    Keys(Termios),
    /// Nothing, and nothing will be.
    Over,
}

impl Keys {
    /// Listens to the terminal; `None` where there is none to read from and to write to. Must be called within
    /// a tokio runtime.
    pub(super) fn listen() -> io::Result<Option<Self>> {
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Ok(None);
        }
        let (press, pressed) = unbounded_channel();
        // Before the mode is another: either would leave it so.
        let of = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        let (suspend, quit) = (of(Number::TSTP)?, of(Number::QUIT)?);
        *mode() = Mode::Own;
        let keys = Self { pressed, suspend, quit, _terminal: Terminal };
        thread::Builder::new().name("mik-keys".into()).spawn(move || read(&press))?;
        Ok(Some(keys))
    }

    /// Waits for the next key; for ever where there is no terminal.
    pub(super) async fn next(keys: &mut Option<Self>) -> Key {
        let Some(keys) = keys else { return std::future::pending().await };
        loop {
            tokio::select! {
                Some(key) = keys.pressed.recv() => return key,
                _ = keys.suspend.recv() => suspend(),
                _ = keys.quit.recv() => return Key::Quit,
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal its mode back for good: to be called where nothing is dropped any more.
pub(super) fn restore() {
    let mut mode = mode();
    give_back(&mode);
    *mode = Mode::Over;
}

/// Stops this process, as Ctrl-Z does, until it is continued.
fn suspend() {
    // Held, so that the mode is not set again before the process stands still.
    let mut mode = mode();
    give_back(&mode);
    if !matches!(*mode, Mode::Over) {
        *mode = Mode::Own;
    }
    if kill_process(getpid(), Number::STOP).is_ok() {
        thread::sleep(LOOK);
    }
}

fn give_back(mode: &Mode) {
    // From the background this would stop the process; a shell has taken the terminal back by then.
    if let Mode::Keys(before) = mode
        && is_ours()
    {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
    }
}

fn mode() -> MutexGuard<'static, Mode> {
    MODE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process is in the foreground: others are stopped when they read or set the mode.
fn is_ours() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == getpgrp())
}

/// Hands on keys until the terminal is gone, or nobody wants them.
fn read(press: &UnboundedSender<Key>) {
    let stdin = io::stdin();
    loop {
        if press.is_closed() {
            return;
        }
        if !is_ours() {
            if tcgetattr(&stdin).is_err() {
                let _ = press.send(Key::Quit);
                return;
            }
            thread::sleep(LOOK);
            continue;
        }
        match take(&stdin) {
            Ok(pressed) => {
                for key in pressed.iter().filter_map(|byte| meaning(*byte)) {
                    // That nobody wants it any more is seen above.
                    let _ = press.send(key);
                }
            }
            // Nobody is there any more.
            Err(_) => {
                let _ = press.send(Key::Quit);
                return;
            }
        }
    }
}

/// What was typed within a moment.
fn take(stdin: &Stdin) -> io::Result<Vec<u8>> {
    {
        let mut mode = mode();
        match *mode {
            Mode::Own => {
                let before = tcgetattr(stdin)?;
                let mut keys = before.clone();
                keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
                keys.special_codes[SpecialCodeIndex::VMIN] = 1;
                keys.special_codes[SpecialCodeIndex::VTIME] = 0;
                tcsetattr(stdin, OptionalActions::Now, &keys)?;
                *mode = Mode::Keys(before);
            }
            Mode::Keys(_) => {}
            Mode::Over => {
                drop(mode);
                thread::sleep(LOOK);
                return Ok(Vec::new());
            }
        }
    }
    let mut ready = [PollFd::new(stdin, PollFlags::IN)];
    match poll(&mut ready, Some(&WAIT)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    if !is_ours() {
        return Ok(Vec::new());
    }
    let mut bytes = [0; 64];
    match rustix::io::read(stdin.as_fd(), &mut bytes) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(read) => Ok(bytes[..read].to_vec()),
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn meaning(byte: u8) -> Option<Key> {
    match byte {
        b'r' | b'R' => Some(Key::Rebuild),
        b'o' | b'O' => Some(Key::Open),
        // Ctrl-D, too: the end of what is typed.
        b'q' | b'Q' | 4 => Some(Key::Quit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_banner_says() {
        let keys = b"roQ\x04x\x1b".map(meaning);
        let expected =
            [Some(Key::Rebuild), Some(Key::Open), Some(Key::Quit), Some(Key::Quit), None, None];
        assert_eq!(keys, expected);
    }
}
