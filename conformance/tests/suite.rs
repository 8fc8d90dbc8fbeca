//! The suite on what is compiled in: the binary, and in process the whole and each part by itself.

use std::process::ExitCode;

use mik_conformance::{built_in, run};

fn main() -> Result<ExitCode, String> {
    Ok(run(built_in()?))
}
