//! The SDK on the real host: a handler that uses all of it, composed with the bridge.

mod elsewhere;
mod incoming;
mod outgoing;
mod responses;

use std::fs;
use std::sync::LazyLock;

use mik_conformance::{Mik, Origin, Outcome, Response, Setup};

static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);

/// `sdk` may ask this process and other modules, `shut` nobody.
static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let port = ORIGIN.port();
    let hosts =
        format!("\"127.0.0.1:{port}\", \"127.0.0.1:1\", \"nowhere.invalid\", \"*.mik.internal\"");
    let config = format!(
        "[server]\nlimits = {{ body_bytes = \"64MiB\" }}\n\
         [middleware.breaker]\nenabled = false\n\
         [modules.sdk]\nallowed_hosts = [{hosts}]\n"
    );
    let setup = Setup::new(&["hello", "echo"]).config(&config).composed("sdk", "sdk");
    let composed = fs::read(setup.path().join("modules/sdk.wasm")).expect("it was built");
    setup.file("modules/shut.wasm", composed).start()
});

/// Sends one request on a connection of its own.
fn ask(
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> Result<Response, String> {
    let answer = MIK.connect().request(method, target, fields, body);
    let answer = answer.map_err(|stop| format!("{method} {target}: no response: {stop}"))?;
    if answer.is_whole() {
        Ok(answer)
    } else {
        Err(format!("{method} {target} breaks off: {answer}"))
    }
}

fn get(target: &str) -> Result<Response, String> {
    ask("GET", target, &[], b"")
}

/// An answer with this status whose text holds all of these.
fn says(answer: &Response, status: u16, texts: &[&str]) -> Outcome {
    let text = answer.text();
    match texts.iter().find(|part| !text.contains(**part)) {
        _ if answer.status() != status => Err(format!("expected {status}, got {answer}")),
        Some(part) => Err(format!("no {part:?} in {answer}")),
        None => Ok(()),
    }
}

/// A text behind percent signs.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
