//! Asks the host for more than is decent, then answers `ok`.
//!
//! - `random`: random bytes to ask for, in calls of `call` bytes each (default: all in one)
//! - `resources`: header lists to make, and to keep
//! - `pollables`: timers to make, and to keep
//! - `string`: the length of a header value to hand over; a 400 says why the host refused it

use guests::wasip2::clocks::monotonic_clock::subscribe_duration;
use guests::wasip2::random::random::get_random_bytes;
use guests::{Fields, IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

const HOUR: u64 = 3_600_000_000_000;

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);

    let mut left = query.number_or("random", 0)?;
    let call = query.number_or("call", left.max(1))?;
    if call == 0 {
        return Err("`call` must be at least 1".to_owned());
    }
    while left > 0 {
        let wanted = left.min(call);
        let given = get_random_bytes(wanted).len() as u64;
        if given != wanted {
            return Err(format!("{given} random bytes for {wanted} asked"));
        }
        left -= given;
    }

    let resources = query.number_or("resources", 0)?;
    let _kept: Vec<_> = (0..resources).map(|_| Fields::new()).collect();
    let pollables = query.number_or("pollables", 0)?;
    let _kept: Vec<_> = (0..pollables).map(|_| subscribe_duration(HOUR)).collect();

    let string = vec![b'a'; query.size_or("string", 0)?];
    Fields::new()
        .append("x-long", &string)
        .map_err(|error| format!("the host refused the value: {error:?}"))?;

    reply.text(200, "ok")
}
