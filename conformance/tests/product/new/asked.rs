//! What is asked on a terminal, which `script` of util-linux provides.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use mik_conformance::mik;

use super::*;

/// Types these lines, one after the other, to `mik` on a terminal in that folder. What it shows.
fn type_to(folder: &Path, mik_args: &str, lines: &[&str]) -> String {
    let line = format!("{} {mik_args}", mik().display());
    let mut terminal = Command::new("script")
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut keys = terminal.stdin.take().expect("stdin is a pipe");
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    let typist = thread::spawn(move || {
        for line in lines {
            // Ctrl-C is for whoever runs on the terminal then.
            thread::sleep(Duration::from_millis(700));
            let _ = keys.write_all(line.as_bytes()).and_then(|()| keys.flush());
        }
        thread::sleep(Duration::from_millis(700));
    });
    let shown = terminal.wait_with_output().expect("script ends");
    typist.join().expect("a thread that only types does not fail");
    String::from_utf8_lossy(&shown.stdout).replace('\r', "")
}

#[allow(clippy::print_stdout, reason = "whoever runs the test is told why it does nothing")]
fn has_script() -> bool {
    let found = Command::new("script").arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no `script` (util-linux) to make a terminal");
    }
    found
}

#[test]
fn the_template_is_asked_for_by_number_or_name() {
    if !has_script() {
        return;
    }
    let here = here();
    let shown = type_to(here.path(), "new my-api", &["pyton\n", "5\n"]);
    for part in ["What to start from:", "5  python", "did you mean python?", "mik dev"] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(here.path().join("my-api/app.py").is_file(), "{shown}");
}

#[test]
fn a_name_is_asked_for_where_none_is_given() {
    if !has_script() {
        return;
    }
    let here = here();
    let shown = type_to(here.path(), "new --template scripts", &["my shop\n", "my-shop\n"]);
    assert!(shown.contains("for example: my-shop"), "{shown}");
    assert!(here.path().join("my-shop/scripts/hello.ts").is_file(), "{shown}");
}

#[test]
fn yes_asks_nothing_even_there() {
    if !has_script() {
        return;
    }
    let here = here();
    let shown = type_to(here.path(), "new my-api --yes", &[]);
    assert!(!shown.contains("What to start from"), "{shown}");
    assert!(here.path().join("my-api/Cargo.toml").is_file(), "{shown}");
}

#[test]
fn ctrl_c_and_ctrl_d_leave_nothing() {
    if !has_script() {
        return;
    }
    for key in ["\u{3}", "\u{4}"] {
        let here = here();
        let shown = type_to(here.path(), "new a/my-api", &[key]);
        assert!(shown.contains("What to start from"), "{shown}");
        assert!(!shown.contains("mik dev"), "{shown}");
        assert_eq!(tree(here.path()), Vec::<String>::new(), "{shown}");
    }
}

/// While it writes, rather than while it asks.
#[test]
fn ctrl_c_in_the_middle_leaves_nothing_either() {
    let here = here();
    let tools = tempfile::tempdir().expect("a temporary folder can be made");
    // A git that takes its time.
    let git = tools.path().join("git");
    fs::write(&git, "#!/bin/sh\n[ \"$1\" = rev-parse ] && exit 1\nsleep 2\n").expect("a file");
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("its mode can be set");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut child = Command::new(mik())
        .args(["new", "a/my-api", "--template", "scripts"])
        .current_dir(here.path())
        .env("PATH", format!("{}:{path}", tools.path().display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mik runs");
    let is_written = || tree(here.path()).iter().any(|path| path.ends_with("my-api/README.md"));
    let begun = eventually(Duration::from_secs(20), is_written);
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    if !begun {
        let _ = child.kill();
    }
    let ended = child.wait_with_output().expect("mik ends");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(begun && interrupted.is_ok_and(|status| status.success()), "{told}");
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("interrupted; nothing was left behind"), "{told}");
    assert_eq!(tree(here.path()), Vec::<String>::new());
}
