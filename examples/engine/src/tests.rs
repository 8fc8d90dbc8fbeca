//! Programs, loaded and run without a host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::units::ByteSize;
use mik_core::{
    Body, Call, CallError, Engine, InstanceLimits, Module, ModuleName, ModuleSource, Request,
    Response,
};

use crate::Tiny;

const SOON: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(100);

fn load_with(program: &str, limits: &InstanceLimits) -> Result<Arc<dyn Module>, String> {
    let name = ModuleName::new("test").unwrap();
    let source = ModuleSource { name: &name, bytes: program.as_bytes(), limits };
    Tiny.load(source).map_err(|error| error.reason().to_owned())
}

fn load(program: &str) -> Arc<dyn Module> {
    load_with(program, &InstanceLimits::default()).unwrap()
}

fn get(target: &str) -> Request {
    http::Request::get(target).body(Body::empty()).unwrap()
}

async fn answer(program: &str, target: &str) -> Result<Response, CallError> {
    load(program).handle(get(target), Call::detached(SOON)).await
}

async fn text(program: &str, target: &str) -> String {
    let body = answer(program, target).await.unwrap().into_body();
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[test]
fn what_is_wrong_with_a_program_is_told_with_its_line() {
    for (program, told) in [
        ("say a\nsing b", "line 2: \"sing b\" is no instruction; there are status, header,"),
        ("# one\n\nstatus 99", "line 3: \"99\" is no status of a whole answer"),
        ("status 100", "line 1: \"100\" is no status of a whole answer"),
        ("wait 10", "line 1: \"10\" is no time such as 10ms"),
        ("hold much", "line 1: \"much\" is no size such as 64KiB"),
        ("repeat x 1ms say a", "line 1: \"x\" is no number"),
        ("repeat 2 1ms", "line 1: \"\" is no instruction"),
        ("if a say b", "line 1: `if` needs NAME=VALUE"),
        ("say {a", "line 1: a `{` without `}`"),
        ("say {a b}", "line 1: `{a b}` names no parameter"),
        ("echo twice", "line 1: \"echo twice\" is no instruction"),
    ] {
        let refused = load_with(program, &InstanceLimits::default()).err();
        assert!(refused.as_deref().is_some_and(|reason| reason.starts_with(told)), "{refused:?}");
    }
    let refused = load_with(&"x".repeat(9_000), &InstanceLimits::default()).err().unwrap();
    assert!(refused.len() < 400, "{refused}");
    let name = ModuleName::new("test").unwrap();
    let limits = InstanceLimits::default();
    let source = ModuleSource { name: &name, bytes: b"say \xff", limits: &limits };
    assert_eq!(Tiny.load(source).err().unwrap().reason(), "no program: it is not UTF-8");
}

#[tokio::test]
async fn texts_are_filled_in() {
    for (program, query, said) in [
        ("write a\\n\\\\{x}", "x=1", "a\n\\1"),
        ("write {x|none}{y|}", "", "none"),
        ("write {ab*n|2}", "n=3", "ababab"),
        ("write {ab*n|2}", "", "abab"),
        ("write {n-1} {m-1}", "n=1&m=max", "0 max"),
        ("write {x}", "x=%C3%A9%20", "é "),
        ("repeat 3 0ms write {turn}", "", "012"),
        ("repeat 2 0ms fill 3", "", "aaabbb"),
        ("if a=1 if b= write x\nif a=1 write y", "a=1&b=2", "y"),
        ("say a\nend\nsay b", "", "a\n"),
    ] {
        assert_eq!(text(program, &format!("/?{query}")).await, said, "{program}");
    }
}

#[tokio::test]
async fn a_whole_answer_has_a_length_and_a_longer_one_streams() {
    let whole = answer("status 201\nheader x-a b\nsay hello", "/").await.unwrap();
    assert_eq!((whole.status().as_u16(), whole.body().length()), (201, Some(6)));
    assert_eq!(whole.headers()["x-a"], "b");
    assert_eq!(whole.headers()["content-type"], "text/plain");
    let long = answer("write a\nwrite b", "/").await.unwrap();
    assert_eq!(long.body().length(), None);
}

#[tokio::test]
async fn failures_are_typed() {
    for (program, kind) in [
        ("fail on purpose", "trap"),
        ("quit", "no-response"),
        ("hold 1GiB", "memory"),
        ("write {x*n|999999999999}", "memory"),
        ("repeat forever 0ms header x-{turn} y", "memory"),
        ("wait {ms}ms", "input"),
        ("pass", "trap"),
        ("call GET http://elsewhere.example/\nfail not called", "502"),
    ] {
        match answer(program, "/").await {
            Err(error) => assert_eq!(error.kind().as_str(), kind, "{program}"),
            Ok(response) => assert_eq!(response.status().as_str(), kind, "{program}"),
        }
    }
    // Once the head is out, the body breaks off.
    let response = answer("write a\nwrite b\nfail on purpose", "/").await.unwrap();
    assert!(matches!(response.into_body().collect().await, Err(CallError::Trap(_))));
}

#[tokio::test]
async fn time_runs_out_before_the_head_and_after_it() {
    let limits = InstanceLimits { silence: SHORT, ..InstanceLimits::default() };
    let run = |program: &str, time| {
        load_with(program, &limits).unwrap().handle(get("/"), Call::detached(time))
    };
    // The others never wait for anything.
    for program in ["wait forever", "work forever", "repeat forever 0ms hold 0B"] {
        assert!(matches!(run(program, SHORT).await, Err(CallError::Timeout(_))), "{program}");
        let silent = run(&format!("say a\n{program}"), SOON).await.unwrap().into_body();
        assert!(matches!(silent.collect().await, Err(CallError::Timeout(_))), "{program}");
    }
    // However long it takes, as long as something comes.
    let slow = run("repeat 6 20ms say a", SOON).await.unwrap().into_body();
    assert_eq!(slow.collect().await.unwrap().to_bytes().len(), 12);
}

/// A request body that counts the pieces that were asked for.
fn counted(pieces: usize, asked: &Arc<AtomicUsize>) -> Body {
    let asked = asked.clone();
    let pieces = stream::iter(0..pieces).map(move |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from_static(b"piece")))
    });
    Body::stream(StreamBody::new(pieces))
}

#[tokio::test]
async fn an_echo_reads_no_more_than_is_wanted_of_it_and_ends_with_its_body() {
    let asked = Arc::new(AtomicUsize::new(0));
    let request = http::Request::post("/").body(counted(100, &asked)).unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let end = ended.clone();
    let request = request.map(|body| body.on_end(move |_| end.store(true, Ordering::Relaxed)));
    let mut response = load("echo").handle(request, Call::detached(SOON)).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the head waits for nothing");
    for read in 1..=3 {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "piece");
        assert_eq!(asked.load(Ordering::Relaxed), read);
    }
    assert!(!ended.load(Ordering::Relaxed));
    drop(response);
    assert!(ended.load(Ordering::Relaxed), "what is dropped is over");
}

#[tokio::test]
async fn what_may_not_be_set_is_left_out() {
    let program =
        "header connection close\nheader a\\nb c\nheader d e\\r\\nf: g\nheader h i\nsay j";
    let names: Vec<_> =
        answer(program, "/").await.unwrap().headers().keys().map(ToString::to_string).collect();
    assert_eq!(names, ["content-type", "h"]);
}

#[tokio::test]
async fn memory_is_what_the_module_may_use() {
    let limits = InstanceLimits { memory: ByteSize::kib(4), ..InstanceLimits::default() };
    let run =
        |program: &str| load_with(program, &limits).unwrap().handle(get("/"), Call::detached(SOON));
    assert!(run("hold 4KiB").await.is_ok());
    assert!(run("fill 4096").await.is_ok());
    for program in ["hold 3KiB\nhold 3KiB", "fill 4097", "hold 4KiB\nsay a", "write {x*n|4097}"] {
        assert!(matches!(run(program).await, Err(CallError::Memory(_))), "{program}");
    }
}
