//! The binary `mik` with one more middleware: all of its commands, and `[middleware.maintenance]`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut registry = mik::registry();
    mik_maintenance::register(&mut registry);
    mik::run_with(std::env::args_os(), registry)
}
