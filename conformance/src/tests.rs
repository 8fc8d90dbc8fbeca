//! The harness judged by itself: its client against its own origin, and its verdicts.

use std::time::Duration;

use crate::{Cases, Origin, Raw, Stop, closed, problem, refused, request};

#[test]
fn the_client_says_what_came() {
    let origin = Origin::start();
    let mut raw = Raw::connect(origin.address());
    let whole = raw.get("/a?b").expect("an answer");
    assert_eq!((whole.status(), whole.text().as_str(), whole.is_whole()), (200, "origin ok", true));
    let echo = raw.request("POST", "/echo", &[("x-a", "1")], b"body").expect("an answer");
    assert_eq!(echo.text(), "body");
    let seen = origin.requests("POST /echo");
    assert_eq!(seen[0].fields.value("x-a"), Some("1"));
    assert_eq!((origin.connections(), seen[0].connection), (1, 0));
    let head = raw.request("HEAD", "/", &[], b"").expect("an answer");
    assert!(head.body.is_empty());
}

#[test]
fn the_client_says_how_it_ended() {
    let origin = Origin::start();
    let get = |target: &str| {
        let mut raw = Raw::connect(origin.address());
        raw.patience(Duration::from_millis(100)).get(target)
    };
    let half = get("/half").expect("a head");
    assert_eq!((half.text().as_str(), &half.broken), ("0123456789", &Some(Stop::Closed)));
    let drip = get("/drip").expect("a head");
    assert_eq!(drip.broken, Some(Stop::Silent));
    assert_eq!(get("/stall").err(), Some(Stop::Silent));
    assert!(matches!(get("/garbage").err(), Some(Stop::Garbage(_))));
}

#[test]
fn pipelined_answers_are_all_collected() {
    let origin = Origin::start();
    let mut raw = Raw::connect(origin.address());
    let two = [request("GET", "/1", &[], b""), request("GET", "/2", &[], b"")].concat();
    raw.send(two).expect("a request can be sent");
    let received = raw.patience(Duration::from_millis(200)).collect();
    assert_eq!((received.answers.len(), &received.end), (2, &Stop::Silent));
    assert!(closed(&received).is_err());
    assert!(refused(&received, &[200]).is_err(), "two answers are none too few");
}

#[test]
fn a_refusal_is_one_answer_and_then_the_end() {
    let origin = Origin::start();
    let received = |path: &str, patience: u64| {
        let mut raw = Raw::connect(origin.address());
        let _ = raw.send(request("GET", path, &[], b""));
        raw.patience(Duration::from_millis(patience)).collect()
    };
    assert!(refused(&received("/ok", 100), &[200]).is_err(), "the connection is still open");
    let received = received("/half", 5_000);
    assert!(closed(&received).is_ok());
    assert!(refused(&received, &[200]).is_err(), "the answer breaks off");
    assert!(problem(&received.answers[0]).is_ok(), "an answer without mik-error is no problem");
    let nothing = Raw::connect(origin.address());
    drop(nothing);
    let mut silent = Raw::connect(origin.address());
    silent.finish_sending();
    assert!(closed(&silent.collect()).is_ok());
}

#[test]
#[should_panic(expected = "row: 2 of 3 checks failed\n- b: two\n- c: three")]
fn all_failing_cases_are_listed_at_once() {
    let mut cases = Cases::of("row");
    cases.check("a", true, "one");
    cases.check("b", false, "two");
    cases.note("c", Err("three".to_owned()));
    cases.finish();
}
