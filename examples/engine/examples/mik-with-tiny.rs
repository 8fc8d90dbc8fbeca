//! The binary `mik` with one more engine: all of its commands, and `[engine] name = "tiny"`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut registry = mik::registry();
    mik_tiny::register(&mut registry);
    mik::run_with(std::env::args_os(), registry)
}
