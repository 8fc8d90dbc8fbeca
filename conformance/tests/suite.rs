//! The suite on what is compiled in: the binary, and in process the whole and each part by itself.

use std::env;
use std::process::ExitCode;

use mik_conformance::{built_in, run_with};

fn main() -> Result<ExitCode, String> {
    let report = env::var("MIK_CONFORMANCE_REPORT").map(|folder| format!("--report={folder}"));
    Ok(run_with(env::args().chain(report.ok()), built_in()?))
}
