use std::io;

use super::*;
use crate::testing::{self, pieces};

fn body(response: Response) -> String {
    testing::text(response)
}

#[test]
fn each_kind_of_content_says_its_type() {
    for (response, content_type, content) in [
        (Response::json(200, &[1, 2]), "application/json", "[1,2]"),
        (Response::json_text(201, "{}"), "application/json", "{}"),
        (Response::text(404, "ü"), "text/plain; charset=utf-8", "ü"),
        (Response::html(200, "<p>"), "text/html; charset=utf-8", "<p>"),
        (Response::bytes(200, "image/png", *b"png"), "image/png", "png"),
    ] {
        assert_eq!(response.header_value("Content-Type"), Some(content_type));
        assert_eq!(body(response), content);
    }
    assert_eq!(Response::new(204).header_value("content-type"), None);
}

#[test]
fn a_problem_says_what_it_knows() {
    let response = Response::problem(404, "no such user");
    assert_eq!(response.status, 404);
    assert_eq!(response.header_value("content-type"), Some("application/problem+json"));
    assert_eq!(
        body(response),
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no such user"}"#
    );
    let problem =
        Problem::new(418).kind("https://example.org/p").title("T").with("a", &1).with("b", "c");
    assert_eq!(
        body(problem.into()),
        r#"{"type":"https://example.org/p","title":"T","status":418,"a":1,"b":"c"}"#
    );
}

#[test]
fn fields_are_set_and_appended() {
    let response = Response::text(200, "a")
        .header("Content-Type", "text/x")
        .append_header("vary", "a")
        .append_header("Vary", String::from("b"));
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "vary", "vary"]);
    assert_eq!(response.header("vary", "c").header_value("VARY"), Some("c"));
}

#[test]
fn what_is_not_allowed_is_left_out() {
    let response = Response::new(200)
        .header("x-good", "a\tb ü")
        .header("", "a")
        .header("bad name", "a")
        .header("x-bad", "a\r\nx-injected: b")
        .header("x-null", [0])
        .header("Connection", "close")
        .header("transfer-encoding", "chunked")
        .cookie(&Cookie::new("good", "1"))
        .cookie(&Cookie::new("bad", "1;2"));
    let response = checked(response);
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-good", "set-cookie"]);
}

#[test]
fn an_impossible_status_is_an_error() {
    for status in [0, 99, 101, 199, 600, 65535] {
        assert_eq!(checked(Response::new(status)).status, 500);
    }
    assert_eq!(checked(Response::new(599)).status, 599);
    assert_eq!(body(checked(Response::text(204, "a"))), "");
}

#[test]
fn a_stream_is_pulled_piece_by_piece() {
    let response = Response::stream(
        200,
        "text/plain",
        ["a", "", "bc"].map(|piece| Ok::<_, String>(piece.into())),
    );
    assert_eq!(pieces(response), Ok(vec![b"a".to_vec(), b"bc".to_vec()]));
    let broken = [Ok(b"a".to_vec()), Err("no more"), Ok(b"b".to_vec())];
    assert_eq!(pieces(Response::stream(200, "text/plain", broken)), Err("no more".to_owned()));
}

#[test]
fn a_stream_is_not_pulled_before_it_is_asked_for() {
    let endless = std::iter::repeat_with(|| Ok::<_, String>(vec![0; 1000]));
    drop(Response::stream(200, "text/plain", endless));
    let never =
        std::iter::from_fn(|| -> Option<Result<Vec<u8>, String>> { panic!("nobody asked") });
    drop(Response::stream(200, "text/plain", never));
}

#[test]
fn a_reader_is_read_to_its_end() {
    struct Reluctant(Vec<io::Result<&'static str>>);
    impl Read for Reluctant {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let text = self.0.pop().unwrap_or(Ok(""))?;
            buffer[..text.len()].copy_from_slice(text.as_bytes());
            Ok(text.len())
        }
    }
    let interrupted = || Err(io::ErrorKind::Interrupted.into());
    let reader = Reluctant(vec![Ok("c"), interrupted(), Ok("ab")]);
    assert_eq!(
        pieces(Response::reader(200, "x/y", reader)),
        Ok(vec![b"ab".to_vec(), b"c".to_vec()])
    );
    let failing = Reluctant(vec![Ok("c"), Err(io::Error::other("broken")), Ok("ab")]);
    assert_eq!(pieces(Response::reader(200, "x/y", failing)), Err("broken".to_owned()));
    let large = io::repeat(7).take(200_000);
    assert_eq!(testing::bytes(Response::reader(200, "x/y", large)), vec![7; 200_000]);
}

#[test]
fn events_are_a_stream_that_is_not_stored() {
    let response = Response::events([Event::new("a"), Event::new("b").name("n")]);
    assert_eq!(response.header_value("content-type"), Some("text/event-stream"));
    assert_eq!(response.header_value("cache-control"), Some("no-store"));
    assert_eq!(body(response), "data: a\n\ndata: b\nevent: n\n\n");
}

#[test]
fn results_are_replies() {
    let good: Result<Response, Response> = Ok(Response::new(201));
    let bad: Result<Response, Problem> = Err(Problem::new(409));
    assert_eq!(good.reply().status, 201);
    assert_eq!(bad.reply().status, 409);
}
