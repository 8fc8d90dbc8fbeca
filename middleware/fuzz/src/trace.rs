//! `traceparent` and `tracestate`: what goes on is what the specification allows and the client said, or it is a
//! new trace; the request is answered in any case.

use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use mik_core::{Body, Request, Response};
use mik_middleware::Trace;

use super::rig::{Rig, lines};
use super::traceparent;

/// Members of a `tracestate`, and bytes of it that are passed on.
const STATE: (usize, usize) = (32, 8 << 10);

/// The module says what it sees of both, a line each.
static RIG: LazyLock<Mutex<Rig>> = LazyLock::new(|| {
    let module = |request: Request| async move {
        let seen = |name: &str| {
            let values = request.headers().get_all(name).iter();
            values.map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join("|")
        };
        Ok(Response::new(Body::from(format!("{}\n{}", seen("traceparent"), seen("tracestate")))))
    };
    Mutex::new(Rig::new(|_: &Path| Trace::default(), module))
});

/// A line that begins with `p` is a `traceparent`, one that begins with `s` a `tracestate`.
pub(super) fn check(input: &[u8]) {
    let of = |kind: u8| move |line: &&[u8]| line.first() == Some(&kind);
    let parents: Vec<_> = lines(input).filter(of(b'p')).map(|line| &line[1..]).collect();
    let states: Vec<_> = lines(input).filter(of(b's')).map(|line| &line[1..]).collect();
    let Some([parent, state]) = ask(&parents, &states) else { return };
    let shown = input.escape_ascii();
    assert!(
        parent.starts_with("00-") && traceparent::is_valid(parent.as_bytes()),
        "{parent} of {shown}"
    );

    let given = match parents[..] {
        // What a later version appends is plain text as well.
        [one] if one.is_ascii() && traceparent::is_valid(one) => Some(one),
        _ => None,
    };
    let members = members(&states);
    let is_too_long = |members: &[&[u8]]| {
        members.len() > STATE.0
            || members.iter().map(|member| member.len()).sum::<usize>() > STATE.1
    };
    let same = given.is_some_and(|given| given[3..52] == parent.as_bytes()[3..52]);
    match given {
        None => assert_eq!(state, "", "{shown}"),
        Some(_) if members.iter().all(|member| is_member(member)) && is_too_long(&members) => {
            assert!(!same && state.is_empty(), "{parent} {state} of {shown}");
        }
        // Too long, or spoilt: whichever came first.
        Some(_) if is_too_long(&members) => assert_eq!(state, "", "{shown}"),
        Some(_) => {
            let is_good = members.iter().all(|member| is_member(member));
            let expected = if is_good { members.join(&b',') } else { Vec::new() };
            assert!(same, "{parent} of {shown}");
            assert_eq!(state.as_bytes(), expected, "{shown}");
        }
    }
    // What was passed on is taken again, as it is.
    let states: &[&[u8]] = if state.is_empty() { &[] } else { &[state.as_bytes()] };
    assert_eq!(ask(&[parent.as_bytes()], states), Some([parent.clone(), state.clone()]));
}

/// What the module saw; the client was told the same. `None` where something is no value of a field.
fn ask(parents: &[&[u8]], states: &[&[u8]]) -> Option<[String; 2]> {
    let rig = RIG.lock().unwrap_or_else(PoisonError::into_inner);
    let parents = parents.iter().map(|value| ("traceparent", *value));
    let states = states.iter().map(|value| ("tracestate", *value));
    let answer = rig.get("/run/t/", parents.chain(states))?;
    assert_eq!(answer.status, 200);
    let seen = String::from_utf8(answer.body.clone()).unwrap();
    let (parent, state) = seen.split_once('\n').unwrap();
    assert_eq!(answer.field("traceresponse"), Some(parent));
    Some([parent.to_owned(), state.to_owned()])
}

/// The members of one list in several fields; empty ones do not count.
fn members<'a>(states: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let all = states.iter().flat_map(|state| state.split(|byte| *byte == b','));
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let trimmed = all.map(|member| {
        let start = member.iter().position(|byte| !is_blank(byte)).unwrap_or(member.len());
        let end = member.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
        &member[start..end]
    });
    trimmed.filter(|member| !member.is_empty()).collect()
}

/// W3C Trace Context 2, 3.3.1.3.
fn is_member(member: &[u8]) -> bool {
    let Some(equals) = member.iter().position(|byte| *byte == b'=') else { return false };
    let (key, value) = (&member[..equals], &member[equals + 1..]);
    let begins = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let in_key = |byte: &u8| begins(byte) || b"_-*/@".contains(byte);
    let in_value = |byte: &u8| matches!(byte, 0x20..=0x2b | 0x2d..=0x3c | 0x3e..=0x7e);
    (1..=256).contains(&key.len())
        && begins(&key[0])
        && key.iter().all(in_key)
        && (1..=256).contains(&value.len())
        && value.iter().all(in_value)
}
