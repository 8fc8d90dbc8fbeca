//! The suite on what is compiled in: the binary, and in process the whole and each part by itself.

use std::process::ExitCode;

use mik_conformance::{built_in, run};

fn main() -> ExitCode {
    match built_in() {
        Ok(subjects) => run(subjects),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
