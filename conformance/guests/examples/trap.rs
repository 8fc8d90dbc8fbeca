//! Fails before it has answered.
//!
//! - `how`: `unreachable` (default), `overflow` (recursion without end), `oob` (a read past the end of
//!   its memory), `panic`, `exit` (ends the process with the code 1)

use std::sync::atomic::{AtomicU32, Ordering};

use guests::{IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

/// Never reached; a variable, so that the compiler cannot know.
static BOTTOM: AtomicU32 = AtomicU32::new(u32::MAX);
static DEEPEST: AtomicU32 = AtomicU32::new(0);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    match Query::of(&request).text("how").unwrap_or("unreachable") {
        "unreachable" => core::arch::wasm32::unreachable(),
        "overflow" => {
            let depth = dive(1);
            reply.text(200, format!("came back from {depth}\n"))
        }
        "oob" => {
            let far = 0xffff_fff0_usize as *const u8;
            // SAFETY: not safe at all. The host must stop it.
            let byte = unsafe { far.read_volatile() };
            reply.text(200, format!("read {byte}\n"))
        }
        "panic" => panic!("asked to panic"),
        "exit" => std::process::exit(1),
        other => Err(format!(
            "`how` must be unreachable, overflow, oob, panic or exit, not `{other}`"
        )),
    }
}

/// Recurses with work left to do after the call, so that it cannot become a loop.
#[inline(never)]
fn dive(depth: u32) -> u32 {
    if depth == BOTTOM.load(Ordering::Relaxed) {
        return depth;
    }
    let below = dive(depth + 1);
    DEEPEST.store(below, Ordering::Relaxed);
    below.rotate_left(1) ^ depth
}
