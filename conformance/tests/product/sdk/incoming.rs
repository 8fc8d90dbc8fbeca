//! What a client sends: typed, streamed, refused.

use mik_conformance::{Cases, Outcome, request, same};

use super::{MIK, ask, get, says};

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn values_are_read_into_their_types() {
    let mut cases = Cases::of("typed input");
    let mut case = |name: &str, run: &dyn Fn() -> Outcome| MIK.case(&mut cases, name, run);
    case("path", &|| {
        says(
            &get("/run/sdk/users/7")?,
            200,
            &[r#"{"id":7,"name":"Alice","email":null,"tags":[],"role":"writer"}"#],
        )
    });
    case("path, percent-encoded", &|| says(&get("/run/sdk/users/%37")?, 200, &[r#""id":7"#]));
    case("path, refused", &|| {
        says(&get("/run/sdk/users/x")?, 400, &[r#""in":"path","name":"id","code":"type""#])
    });
    case("path, against its rule", &|| says(&get("/run/sdk/users/0")?, 400, &[r#""code":"min""#]));
    case("rest of the path", &|| {
        says(
            &get("/run/sdk/files/a/b%20c//d")?,
            200,
            &[r#"{"path":"a/b c//d","prefix":"/run/sdk"}"#],
        )
    });
    case("query", &|| {
        let answer = get("/run/sdk/search?q=a+b%21&tag=x&tag=y&limit=3")?;
        says(&answer, 200, &[r#"{"q":"a b!","limit":3,"tags":["x","y"],"method":"GET"}"#])
    });
    case("query, default", &|| says(&get("/run/sdk/search?q=ab")?, 200, &[r#""limit":20"#]));
    case("query, refused", &|| {
        says(
            &get("/run/sdk/search?q=a&limit=0")?,
            400,
            &["2 fields are not valid", r#""name":"q""#, r#""name":"limit""#],
        )
    });
    case("JSON", &|| {
        let answer = ask(
            "POST",
            "/run/sdk/users",
            &[JSON],
            br#"{"name":"Eve","age":30,"role":"writer","more":1}"#,
        )?;
        same("location", answer.field("location"), Some("/users/7"))?;
        says(&answer, 201, &[r#"{"id":7,"name":"Eve","email":null,"tags":["30"],"role":"writer"}"#])
    });
    case("JSON, refused", &|| {
        let body =
            br#"{"name":"eve","age":151,"email":"x","tags":["a","b","c","d"],"role":"king"}"#;
        let answer = ask("POST", "/run/sdk/users", &[JSON], body)?;
        same("content-type", answer.field("content-type"), Some("application/problem+json"))?;
        let pointers =
            ["/name", "/age", "/email", "/tags", "/role"].map(|at| format!(r#""pointer":"{at}""#));
        let pointers: Vec<_> = pointers.iter().map(String::as_str).collect();
        says(&answer, 400, &pointers)
    });
    case("JSON that is none", &|| {
        says(
            &ask("POST", "/run/sdk/users", &[JSON], b"{\"name\":\n}")?,
            400,
            &["not valid JSON", "line 2"],
        )
    });
    case("JSON by another name", &|| {
        says(&ask("POST", "/run/sdk/users", &[], b"{}")?, 415, &["application/json"])
    });
    case("all sources together", &|| {
        let answer = ask("PUT", "/run/sdk/users/0?q=a", &[JSON], br#"{"name":"eve","age":1}"#)?;
        says(
            &answer,
            400,
            &[
                "3 fields are not valid",
                r#""in":"path""#,
                r#""in":"query""#,
                r#""pointer":"/name""#,
            ],
        )
    });
    case("form", &|| {
        let answer = ask("POST", "/run/sdk/login", &[FORM], b"name=Eve&password=open+sesame")?;
        same("location", answer.field("location"), Some("/run/sdk/who"))?;
        same(
            "cookie",
            answer.field("set-cookie"),
            Some("user=Eve; Path=/; HttpOnly; SameSite=Lax"),
        )?;
        says(&answer, 303, &[])
    });
    case("form, refused", &|| {
        says(&ask("POST", "/run/sdk/login", &[FORM], b"name=")?, 400, &[r#""in":"form""#])
    });
    case("form, guarded", &|| {
        says(
            &ask("POST", "/run/sdk/login", &[FORM], b"name=a&password=12345678")?,
            403,
            &["that is not the password"],
        )
    });
    case("cookies and token", &|| {
        let fields = [("cookie", "user=Eve; a=1"), ("authorization", "Bearer t0k")];
        says(
            &ask("GET", "/run/sdk/who?x=%41", &fields, b"")?,
            200,
            &[
                r#"{"cookies":["user=Eve","a=1"],"user":"Eve","token":"t0k","method":"GET","path":"/who","query":"x=%41","has_id":true"#,
                r#""authority":""#,
                r#""scheme":"http""#,
            ],
        )
    });
    cases.finish();
}

#[test]
fn methods_are_answered_as_http_says() {
    let mut cases = Cases::of("methods");
    let mut case = |name: &str, run: &dyn Fn() -> Outcome| MIK.case(&mut cases, name, run);
    case("404", &|| says(&get("/run/sdk/nothing")?, 404, &["there is nothing at this path"]));
    case("405", &|| {
        let answer = ask("DELETE", "/run/sdk/users/7", &[], b"")?;
        same("allow", answer.field("allow"), Some("GET, HEAD, PUT, OPTIONS"))?;
        says(&answer, 405, &["does not take this method"])
    });
    case("OPTIONS", &|| {
        let answer = ask("OPTIONS", "/run/sdk/search", &[], b"")?;
        same("allow", answer.field("allow"), Some("GET, HEAD, POST, OPTIONS"))?;
        same("status", answer.status(), 204)
    });
    for (path, length) in [
        ("/run/sdk/", Some("33")),
        ("/run/sdk/bytes/70000", Some("70000")),
        ("/run/sdk/stream/70000", None),
    ] {
        case(&format!("HEAD {path}"), &|| {
            let mut raw = MIK.connect();
            let _ = raw.send(request("HEAD", path, &[], b""));
            let answer = raw.response_to("HEAD").map_err(|stop| stop.to_string())?;
            same("content", answer.body.len(), 0)?;
            same("length", answer.field("content-length"), length)?;
            same("status", answer.status(), 200)?;
            // The connection is as good as before.
            raw.get("/run/hello/").map(|_| ()).map_err(|stop| stop.to_string())
        });
    }
    cases.finish();
}

#[test]
fn content_comes_whole_or_in_pieces() {
    let mut cases = Cases::of("content");
    for size in [0, 1, 4_096, 4_097, 65_536, 1_000_003, 9_000_000] {
        let body: Vec<u8> = (0..=255).rev().cycle().take(size).collect();
        MIK.case(&mut cases, &format!("echo of {size} bytes"), || {
            let answer = ask("POST", "/run/sdk/echo", &[("content-type", "a/b")], &body)?;
            same("content-type", answer.field("content-type"), Some("a/b"))?;
            if answer.body == body { Ok(()) } else { Err(answer.to_string()) }
        });
        MIK.case(&mut cases, &format!("length of {size} bytes"), || {
            says(
                &ask("POST", "/run/sdk/length", &[], &body)?,
                200,
                &[&format!(r#"{{"length":{size}}}"#)],
            )
        });
    }
    MIK.case(&mut cases, "an echo while the request is open", || {
        let mut raw = MIK.connect();
        let _ =
            raw.send(request("POST", "/run/sdk/echo", &[("transfer-encoding", "chunked")], b""));
        raw.send_chunk(b"one").map_err(|error| error.to_string())?;
        let mut head = raw.head("POST").map_err(|stop| stop.to_string())?;
        let piece = raw.piece(&mut head).map_err(|stop| stop.to_string())?;
        same("piece", piece.as_deref(), Some(b"one".as_slice()))?;
        raw.send_chunk(b"two").map_err(|error| error.to_string())?;
        let piece = raw.piece(&mut head).map_err(|stop| stop.to_string())?;
        same("piece", piece.as_deref(), Some(b"two".as_slice()))?;
        raw.send_chunk(b"").map_err(|error| error.to_string())?;
        same("end", raw.piece(&mut head).map_err(|stop| stop.to_string())?, None)
    });
    MIK.case(&mut cases, "more than its limit", || {
        let body = vec![b'x'; (10 << 20) + 1];
        says(&ask("POST", "/run/sdk/length", &[], &body)?, 413, &["too large"])
    });
    MIK.case(&mut cases, "text that is none", || {
        says(&ask("POST", "/run/sdk/text", &[], b"\xff")?, 400, &["UTF-8"])
    });
    cases.finish();
}

#[test]
fn a_form_with_files_is_read_as_it_comes() {
    let mut cases = Cases::of("multipart");
    let form = ("content-type", "multipart/form-data; boundary=\"a b\"");
    MIK.case(&mut cases, "a field and a large file", || {
        let file: Vec<u8> = (0..=255).cycle().take(12_000_000).collect();
        let sum = file.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        let head = "--a b\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\nü\r\n--a b\r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\ncontent-type: x/y\r\n\r\n";
        let body = [head.as_bytes(), &file, b"\r\n--a b--\r\n"].concat();
        let parts = [
            r#"{"parts":[{"name":"title","file":null,"type":null,"size":2,"#.to_owned(),
            format!(r#"{{"name":"file","file":"a.bin","type":"x/y","size":12000000,"sum":{sum}}}]}}"#),
        ];
        says(&ask("POST", "/run/sdk/upload", &[form], &body)?, 200, &[&parts[0], &parts[1]])
    });
    MIK.case(&mut cases, "one that breaks off", || {
        let body = b"--a b\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\nx";
        says(&ask("POST", "/run/sdk/upload", &[form], body)?, 400, &["the form breaks off"])
    });
    MIK.case(&mut cases, "something else", || {
        says(&ask("POST", "/run/sdk/upload", &[FORM], b"a=b")?, 415, &["multipart/form-data"])
    });
    cases.finish();
}
