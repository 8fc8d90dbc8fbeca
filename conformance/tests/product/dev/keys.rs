//! The keys of a terminal, which `script` makes.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use mik_conformance::{Setup, built, eventually, mik};

use super::{HELLO, NOTICED, builds, project};

/// What is said where there is no terminal to be had.
const SKIPPED: &str = "skipped: there is no `script` (util-linux) to make a terminal";

/// `mik dev` on a terminal, between two looks at the mode of the terminal.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
    setup: Setup,
}

impl Terminal {
    /// `None` where there is no `script`.
    fn start(setup: Setup) -> Option<Self> {
        // Ctrl-C goes to the shell, too; not every shell outlives it.
        let line = format!(
            "trap : INT; stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|echo|isig)$' | tr '\\n' ' '; echo before; \
             '{}' dev --host 127.0.0.1 --port 0 .; echo code=$?; \
             stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|echo|isig)$' | tr '\\n' ' '; echo after",
            mik().display()
        );
        Self::run(setup, &line)
    }

    /// Any command on a terminal.
    fn run(setup: Setup, line: &str) -> Option<Self> {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", line, "/dev/null"]);
        script
            .current_dir(setup.path())
            .env("HOME", setup.path())
            .env("XDG_CACHE_HOME", built().join("conformance-cache"));
        script
            .env("PS1", "ready> ")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("NO_COLOR");
        // `script` takes the shell of whoever runs the tests.
        script.env("SHELL", "/bin/sh");
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = script.spawn().ok()?;
        let keys = child.stdin.take().expect("stdin is a pipe");
        let mut pipe = child.stdout.take().expect("stdout is a pipe");
        let shown = Arc::<Mutex<String>>::default();
        let all = shown.clone();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                all.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&String::from_utf8_lossy(&piece[..read]));
            }
        });
        Some(Self { child, keys, shown, setup })
    }

    fn press(&mut self, key: &[u8]) {
        self.keys.write_all(key).and_then(|()| self.keys.flush()).expect("keys can be pressed");
    }

    fn text(&self) -> String {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it has shown this.
    fn count(&self, text: &str) -> usize {
        self.text().matches(text).count()
    }

    fn shows(&self, text: &str, times: usize) {
        let is_it = || self.count(text) >= times;
        assert!(eventually(NOTICED, is_it), "not {times} times {text:?}:\n{}", self.text());
    }

    fn ends(&mut self) {
        let ended = eventually(Duration::from_secs(10), || {
            self.child.try_wait().is_ok_and(|status| status.is_some())
        });
        assert!(ended, "it has not ended:\n{}", self.text());
        self.shows("after", 1);
        let text = self.text();
        assert!(text.contains("code=0"), "{text}");
        let modes = |end| {
            let line = text.lines().find(|line| line.trim_end().ends_with(end)).unwrap_or_default();
            line.trim_end().trim_end_matches(end).to_owned()
        };
        assert_eq!(modes("before"), modes("after"), "the mode of the terminal:\n{text}");
        assert!(modes("after").contains("icanon"), "{text}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn r_rebuilds_o_opens_and_q_quits() {
    let Some(mut terminal) = Terminal::start(project("hello")) else {
        return println!("{SKIPPED}");
    };
    terminal.shows("rebuild", 1);
    terminal.shows("app in ", 1);
    terminal.press(b"r");
    terminal.shows("app in ", 2);
    assert_eq!(builds(terminal.setup.path()), (2, 2), "{}", terminal.text());
    // Without a screen there is no browser.
    terminal.press(b"o");
    terminal.shows("no browser here: open http://127.0.0.1:", 1);
    terminal.shows("/run/app/", 2);
    assert!(terminal.text().contains("\u{1b}[32mbuilt\u{1b}[0m"), "{}", terminal.text());
    terminal.press(b"q");
    terminal.ends();
}

#[test]
fn ctrl_c_and_ctrl_d_give_the_terminal_back() {
    for key in [b"\x03", b"\x04"] {
        let Some(mut terminal) = Terminal::start(project("hello")) else {
            return println!("{SKIPPED}");
        };
        terminal.shows("app in ", 1);
        terminal.press(key);
        terminal.ends();
    }
}

#[test]
fn requests_are_shown_as_they_come() {
    let Some(mut terminal) = Terminal::start(project("hello")) else {
        return println!("{SKIPPED}");
    };
    terminal.shows("app in ", 1);
    let text = terminal.text();
    let address = text.split("listening on http://").nth(1).and_then(|rest| rest.lines().next());
    let address = address.and_then(|address| address.trim().parse().ok()).expect("an address");
    let answer = mik_conformance::Raw::connect(address).get("/run/app/").unwrap();
    assert_eq!(answer.text(), HELLO);
    terminal.shows("\u{1b}[32m 200\u{1b}[0m GET /run/app/", 1);
    assert!(fs::metadata(terminal.setup.path().join("modules/app.wasm")).is_ok());
    terminal.press(b"q");
    terminal.ends();
}

#[test]
fn ctrl_z_stops_it_and_fg_goes_on() {
    const MODE: &[u8] = b"stty -a | grep -o -- '-*icanon' | sed s/^/MODE:/\n";
    const PROMPT: &str = "ready> ";
    let bash = "PS1='ready> ' bash --norc --noprofile -i";
    let Some(mut terminal) = Terminal::run(project("hello"), bash) else {
        return println!("{SKIPPED}");
    };
    let line = format!("'{}' dev --host 127.0.0.1 --port 0 .\n", mik().display());
    terminal.press(line.as_bytes());
    terminal.shows("app in ", 1);
    terminal.press(b"\x1a");
    terminal.shows("Stopped", 1);
    terminal.press(MODE);
    terminal.shows("MODE:icanon", 1);
    terminal.press(b"fg\n");
    // What is typed before the terminal is taken back is a line for nobody.
    assert!(eventually(NOTICED, || {
        terminal.press(b"r");
        thread::sleep(Duration::from_millis(500));
        terminal.count("app in ") >= 2
    }));
    let prompts = terminal.count(PROMPT);
    terminal.press(b"q");
    terminal.shows(PROMPT, prompts + 1);
    terminal.press(MODE);
    terminal.shows("MODE:icanon", 2);
    assert_eq!(terminal.count("MODE:-icanon"), 0, "{}", terminal.text());
    terminal.press(b"exit\n");
}
