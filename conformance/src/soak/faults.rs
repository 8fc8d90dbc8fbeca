//! Requests that ask for a failure, of a guest or of the middleware `fault`.

use super::client::{Ask, Client, Deed, Done, Wrong, right};
use crate::{Response, failed_with};

pub(super) const DEEDS: &[Deed] = &[
    Deed { name: "trap", weight: 25, run: trap },
    Deed { name: "trap in a script's call", weight: 10, run: failing },
    Deed { name: "spins to its timeout", weight: 8, run: spin },
    Deed { name: "half", weight: 25, run: half },
    Deed { name: "no answer", weight: 10, run: silent },
    Deed { name: "out of memory", weight: 5, run: hog },
    Deed { name: "too deep", weight: 5, run: too_deep },
    Deed { name: "injected", weight: 20, run: drill },
    Deed { name: "injected, with a breaker", weight: 15, run: guarded },
];

fn get<'a>(target: &'a str, may: &'a [&'a str]) -> Ask<'a> {
    Ask { method: "GET", target, may, ..Ask::default() }
}

fn fails(client: &mut Client<'_>, target: &str, status: u16, kinds: &[&str]) -> Done {
    let answer = client.ask(get(target, kinds))?;
    let kind = answer.kind().unwrap_or_default().to_owned();
    let kind = if kinds.contains(&&*kind) { &*kind } else { kinds[0] };
    Ok(failed_with(&answer, status, kind)?)
}

fn trap(client: &mut Client<'_>) -> Done {
    // Not `overflow`: a stack keeps what it has used, half a MiB, and it takes hours until each has had one.
    let how = client.random.one_of(&["unreachable", "oob", "panic", "exit"]);
    fails(client, &format!("/run/trap/?how={how}"), 500, &["trap"])
}

fn failing(client: &mut Client<'_>) -> Done {
    fails(client, "/script/failing", 502, &["bad-gateway"])
}

fn spin(client: &mut Client<'_>) -> Done {
    fails(client, "/run/spin/", 504, &["timeout"])
}

fn silent(client: &mut Client<'_>) -> Done {
    let how = client.random.one_of(&["", "?how=drop", "?how=error"]);
    fails(client, &format!("/run/silent/{how}"), 500, &["no-response"])
}

fn hog(client: &mut Client<'_>) -> Done {
    fails(client, "/run/hog/?how=alloc", 500, &["memory", "trap"])
}

fn too_deep(client: &mut Client<'_>) -> Done {
    let target = "/run/deep/?depth=20&name=deep";
    let answer = client.ask(Ask { is_passed_on: true, ..get(target, &["loop"]) })?;
    match (answer.status(), answer.kind()) {
        (508, Some("loop")) => Ok(()),
        _ => Err(Wrong::Other(format!("expected 508, got {answer}"))),
    }
}

fn half(client: &mut Client<'_>) -> Done {
    let how = client.random.one_of(&["trap", "panic", "drop", "short", "long"]);
    let (bytes, pause) = (1 + client.random.below(100_000), client.random.below(2) * 5);
    let target = format!("/run/half/?how={how}&bytes={bytes}&pause_ms={pause}");
    // Where its head had not left yet, a 500 says more than a connection that breaks.
    let answer = client.ask(get(&target, &["trap"]))?;
    breaks_off(&answer, |body| body.iter().all(|byte| *byte == b'h'))
}

/// 500, or an answer that has begun and breaks off.
fn breaks_off(answer: &Response, is_right: impl Fn(&[u8]) -> bool) -> Done {
    match answer.status() {
        500 => Ok(failed_with(answer, 500, "trap")?),
        200 if !answer.is_whole() && is_right(&answer.body) => Ok(()),
        _ => Err(Wrong::Other(format!("expected a body that breaks off, got {answer}"))),
    }
}

fn drill(client: &mut Client<'_>) -> Done {
    let answer = client.ask(get("/run/drill/", &["trap", "panic"]))?;
    match answer.status() {
        500 => Ok(()),
        200 if answer.is_whole() => right(&answer, 200, b"Hello from mik!\n"),
        _ => breaks_off(&answer, |body| b"Hello".starts_with(body)),
    }
}

fn guarded(client: &mut Client<'_>) -> Done {
    let answer = client.ask(get("/run/guarded/", &["503", "circuit-open"]))?;
    match (answer.status(), answer.kind()) {
        (503, None) => right(&answer, 503, b"injected fault\n"),
        (503, Some(_)) => Ok(failed_with(&answer, 503, "circuit-open")?),
        _ => right(&answer, 200, b"Hello from mik!\n"),
    }
}
