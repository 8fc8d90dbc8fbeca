//! Proves the engine: the cases of mik about engines, with the suite's guests written as programs.

use std::process::ExitCode;

use mik_conformance::{Subject, run};

fn main() -> Result<ExitCode, String> {
    let tiny = Subject::engine("tiny", mik_tiny::register)
        .guest("hello", include_str!("../modules/hello.wasm"))
        .guest("echo", include_str!("../modules/echo.wasm"))
        .guest("inspect", include_str!("../modules/inspect.wasm"))
        .guest("stream", include_str!("../modules/stream.wasm"))
        .guest("sleep", include_str!("../modules/sleep.wasm"))
        .guest("fields", include_str!("guests/fields.txt"))
        .guest("half", include_str!("guests/half.txt"))
        .guest("hog", include_str!("guests/hog.txt"))
        .guest("recurse", include_str!("guests/recurse.txt"))
        .guest("silent", include_str!("guests/silent.txt"))
        .guest("spin", include_str!("guests/spin.txt"))
        .guest("sse", include_str!("guests/sse.txt"))
        .guest("trap", include_str!("guests/trap.txt"))
        .guest("upstream", include_str!("guests/upstream.txt"))
        .expectations(include_str!("expectations.toml"))?;
    Ok(run([tiny]))
}
