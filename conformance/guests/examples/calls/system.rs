//! The rest of the world `wasi:http/proxy`: clocks, random bytes, the standard streams.

use guests::wasip2::cli::{stderr, stdin, stdout};
use guests::wasip2::clocks::{monotonic_clock, wall_clock};
use guests::wasip2::random::random;

use crate::program::Arguments;
use crate::told::{kept, told, Returned};

pub fn call(name: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    Ok(Some(match name {
        "monotonic-clock.now" => told(monotonic_clock::now()),
        "monotonic-clock.resolution" => told(monotonic_clock::resolution()),
        "monotonic-clock.subscribe-instant" => {
            kept(monotonic_clock::subscribe_instant(a.number(0)?))
        }
        "monotonic-clock.subscribe-duration" => {
            kept(monotonic_clock::subscribe_duration(a.number(0)?))
        }
        "wall-clock.now" => told(nanoseconds(wall_clock::now())),
        "wall-clock.resolution" => told(nanoseconds(wall_clock::resolution())),
        "random.get-random-bytes" => {
            let bytes = random::get_random_bytes(a.number(0)?);
            told(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        "random.get-random-u64" => told(random::get_random_u64()),
        "stdin.get-stdin" => kept(stdin::get_stdin()),
        "stdout.get-stdout" => kept(stdout::get_stdout()),
        "stderr.get-stderr" => kept(stderr::get_stderr()),
        _ => return Ok(None),
    }))
}

fn nanoseconds(time: wall_clock::Datetime) -> u128 {
    u128::from(time.seconds) * 1_000_000_000 + u128::from(time.nanoseconds)
}
