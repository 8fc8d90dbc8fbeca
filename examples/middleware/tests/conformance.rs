//! Proves the middleware: where it is on and has nothing to do, mik does all that it does without it.

use std::process::ExitCode;

use mik_conformance::{Subject, run};

fn main() -> ExitCode {
    let maintenance = Subject::middleware("maintenance", mik_maintenance::register)
        .table("[middleware.maintenance]\nfile = \"never\"\n");
    run([maintenance])
}
