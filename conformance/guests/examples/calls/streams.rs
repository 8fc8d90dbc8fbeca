//! `wasi:io`: streams, their errors, and what can be waited for.

use guests::wasip2::io::error::Error;
use guests::wasip2::io::poll::{poll, Pollable};
use guests::wasip2::io::streams::{InputStream, OutputStream};

use crate::program::Arguments;
use crate::told::{kept, quoted, streamed, told, Returned};

pub fn call(name: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    if let Some(function) = name.strip_prefix("input-stream.") {
        return input(function, a);
    }
    if let Some(function) = name.strip_prefix("output-stream.") {
        return output(function, a);
    }
    Ok(Some(match name {
        "error.to-debug-string" => told(a.get::<Error>(0)?.to_debug_string()),
        "pollable.ready" => told(a.get::<Pollable>(0)?.ready()),
        "pollable.block" => {
            a.get::<Pollable>(0)?.block();
            told("ok")
        }
        "poll" => {
            let pollables = (0..a.rest(0).len()).map(|index| a.get::<Pollable>(index));
            let pollables = pollables.collect::<Result<Vec<_>, _>>()?;
            let pollables: Vec<&Pollable> = pollables.iter().map(|pollable| &**pollable).collect();
            told(format!("{:?}", poll(&pollables)))
        }
        _ => return Ok(None),
    }))
}

fn input(function: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    let stream = a.get::<InputStream>(0)?;
    Ok(Some(match function {
        "read" => streamed(stream.read(a.number(1)?), a, quoted),
        "blocking-read" => streamed(stream.blocking_read(a.number(1)?), a, quoted),
        "skip" => streamed(stream.skip(a.number(1)?), a, number),
        "blocking-skip" => streamed(stream.blocking_skip(a.number(1)?), a, number),
        "subscribe" => kept(stream.subscribe()),
        _ => return Ok(None),
    }))
}

fn output(function: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    let stream = a.get::<OutputStream>(0)?;
    Ok(Some(match function {
        "check-write" => streamed(stream.check_write(), a, number),
        "write" => streamed(stream.write(&a.bytes(1)?), a, ok),
        "blocking-write-and-flush" => {
            streamed(stream.blocking_write_and_flush(&a.bytes(1)?), a, ok)
        }
        "flush" => streamed(stream.flush(), a, ok),
        "blocking-flush" => streamed(stream.blocking_flush(), a, ok),
        "subscribe" => kept(stream.subscribe()),
        "write-zeroes" => streamed(stream.write_zeroes(a.number(1)?), a, ok),
        "blocking-write-zeroes-and-flush" => {
            streamed(stream.blocking_write_zeroes_and_flush(a.number(1)?), a, ok)
        }
        "splice" | "blocking-splice" => {
            let (source, length) = (a.get::<InputStream>(1)?, a.number(2)?);
            let moved = match function {
                "splice" => stream.splice(&source, length),
                _ => stream.blocking_splice(&source, length),
            };
            streamed(moved, a, number)
        }
        _ => return Ok(None),
    }))
}

fn number(number: u64) -> String {
    number.to_string()
}

pub fn ok((): ()) -> String {
    "ok".to_owned()
}
