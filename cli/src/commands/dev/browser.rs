//! Opens an address in the browser.

use std::env;
use std::process::{Command, Stdio};

/// What opens addresses, by the system.
const OPENERS: &[&str] =
    if cfg!(target_os = "macos") { &["open"] } else { &["xdg-open", "wslview"] };

/// Opens `address`; says whether something was found that does.
pub(super) fn open(address: &str) -> bool {
    let has_screen = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]
            .iter()
            .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    // Without a screen some of them open a browser in this terminal.
    has_screen && OPENERS.iter().any(|opener| start(opener, address))
}

fn start(opener: &str, address: &str) -> bool {
    let mut command = Command::new(opener);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C is not for the browser.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let Ok(mut child) = command.spawn() else { return false };
    // Waited for, or it would stay as a zombie.
    let _ = std::thread::Builder::new().name("mik-browser".into()).spawn(move || child.wait());
    true
}
