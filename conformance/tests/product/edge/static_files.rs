//! Files of a folder: what is served, what never is, and what happens when files change.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use mik_conformance::{
    Cases, Mik, Outcome, PATIENCE, Raw, Response, Setup, closed, failed_with, request, told_with,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{ask, has, same};
use crate::exchange;

const CONFIG: &str = "[middleware.static]\nroot = \"public\"\n";
const SECRET: &str = "what lies outside";
/// More than the buffers of two sockets and of the process together.
const LARGE: usize = 32 << 20;

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let setup = Setup::new(&["hello", "inspect"])
        .config(CONFIG)
        .file("secret", SECRET)
        .file("outside/secret", SECRET)
        .file("public/index.html", "<p>index")
        .file("public/a.txt", "0123456789")
        .file("public/.hidden", SECRET)
        .file("public/.git/config", SECRET)
        .file("public/docs/index.html", "<p>docs")
        .file("public/empty/.keep", "")
        .file("public/app.js", "plain")
        .file("public/app.js.br", "not really brotli");
    let public = setup.path().join("public");
    let link = |to: &str, name: &str| symlink(to, public.join(name)).expect("a link can be made");
    link("../secret", "link");
    link("../outside", "folder");
    link("/", "root");
    link("/proc/self/root", "magic");
    link("/dev/zero", "zero");
    node(&public.join("fifo"), FileType::Fifo).expect("a FIFO can be made");
    // Not everybody may.
    let _ = node(&public.join("device"), FileType::CharacterDevice);
    setup.start()
});

fn node(path: &Path, kind: FileType) -> rustix::io::Result<()> {
    // The device is /dev/zero, which never ends.
    mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), rustix::fs::makedev(1, 5))
}

fn get(target: &str, fields: &[(&str, &str)]) -> Result<Response, String> {
    ask(&MIK, "GET", target, fields)
}

#[test]
fn files_are_served_once_and_asked_for_again() {
    let mut cases = Cases::of("static files");
    let fields = [
        ("accept-ranges", Some("bytes")),
        ("cache-control", Some("no-cache")),
        ("content-length", Some("10")),
        ("content-type", Some("text/plain; charset=utf-8")),
        ("transfer-encoding", None),
        ("x-content-type-options", Some("nosniff")),
    ];
    for (method, body) in [("GET", "0123456789"), ("HEAD", "")] {
        MIK.case(&mut cases, method, || {
            let answer = ask(&MIK, method, "/static/a.txt", &[])?;
            same("status", answer.status(), 200)?;
            same("body", answer.text().as_str(), body)?;
            has(&answer, &fields)
        });
    }
    MIK.case(&mut cases, "not modified, and the connection goes on", || {
        let tag = get("/static/a.txt", &[])?.field("etag").map(ToOwned::to_owned);
        let tag = tag.ok_or("no etag")?;
        let mut raw = MIK.connect();
        for round in 0..3 {
            let answer = raw.request("GET", "/static/a.txt", &[("if-none-match", &tag)], b"");
            let answer = answer.map_err(|stop| format!("{round}: {stop}"))?;
            same("status", answer.status(), 304)?;
            has(&answer, &[("etag", Some(tag.as_str())), ("content-type", None)])?;
        }
        let answer = raw.request("GET", "/static/a.txt", &[("if-match", "\"x\"")], b"");
        same("status", answer.map(|answer| answer.status()), Ok(412))
    });
    MIK.case(&mut cases, "an index, and the way to it", || {
        same("index", get("/static/", &[])?.text().as_str(), "<p>index")?;
        for (target, location) in [("/static", "./static/"), ("/static/docs?x=1", "./docs/?x=1")] {
            let answer = get(target, &[])?;
            same("status", answer.status(), 301)?;
            has(&answer, &[("location", Some(location))])?;
        }
        same("docs", get("/static/docs/", &[])?.text().as_str(), "<p>docs")
    });
    MIK.case(&mut cases, "compressed before", || {
        let answer = get("/static/app.js", &[("accept-encoding", "br")])?;
        same("body", answer.text().as_str(), "not really brotli")?;
        has(
            &answer,
            &[
                ("content-encoding", Some("br")),
                ("content-type", Some("text/javascript; charset=utf-8")),
                ("vary", Some("accept-encoding")),
            ],
        )?;
        let answer = get("/static/app.js", &[])?;
        has(&answer, &[("content-encoding", None), ("vary", Some("accept-encoding"))])?;
        same("body", answer.text().as_str(), "plain")
    });
    MIK.case(&mut cases, "it is counted by its route", || {
        let count = || {
            let page = MIK.text("/metrics");
            let is_ours = |line: &&str| {
                line.starts_with("http_server_request_duration_seconds_count{")
                    && line.contains("http_route=\"/static/*\"")
                    && line.contains("http_response_status_class=\"2xx\"")
                    && line.contains("http_request_method=\"GET\"")
            };
            let counts = page.lines().filter(is_ours).filter_map(|line| line.rsplit(' ').next());
            counts.filter_map(|count| count.parse::<f64>().ok()).sum::<f64>()
        };
        let before = count();
        get("/static/a.txt", &[])?;
        let counted = mik_conformance::eventually(PATIENCE, || count() > before);
        same("counted", counted, true)
    });
    cases.finish();
}

#[test]
fn row_14_a_body_that_no_file_wants() {
    let smuggled = "GET /run/inspect/smuggled HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut cases = Cases::of("row 14: static");
    for size in [smuggled.len(), 60 * 1024, 1024 * 1024] {
        let body: String = smuggled.chars().cycle().take(size).collect();
        let last = "GET /run/inspect/next HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        let post = request("POST", "/static/a.txt", &[], body.as_bytes());
        let sent = [&post, last.as_bytes()].concat();
        exchange(&MIK, &mut cases, &format!("{size} bytes"), &sent, |received| {
            let refused = received.answers.first().ok_or("no answer")?;
            failed_with(refused, 405, "method")?;
            has(refused, &[("allow", Some("GET, HEAD"))])?;
            match received.answers.as_slice() {
                [_] => closed(received),
                [_, next] if next.json()["path"] == "/next" => Ok(()),
                _ => Err("expected an answer, then that of the next request or close".to_owned()),
            }
        });
    }
    cases.finish();
}

#[test]
fn row_21_ranges() {
    let mut cases = Cases::of("row 21: ranges");
    let overlapping = format!("bytes={}", vec!["0-9"; 1_000].join(","));
    for (name, range, status, content_range, body) in [
        ("first", "bytes=0-3", 206, Some("bytes 0-3/10"), "0123"),
        ("last", "bytes=-3", 206, Some("bytes 7-9/10"), "789"),
        ("from", "bytes=4-", 206, Some("bytes 4-9/10"), "456789"),
        ("beyond", "bytes=8-99", 206, Some("bytes 8-9/10"), "89"),
        ("empty", "bytes=", 200, None, "0123456789"),
        ("backwards", "bytes=3-1", 200, None, "0123456789"),
        ("another unit", "pages=1-2", 200, None, "0123456789"),
        ("two", "bytes=0-1,3-4", 200, None, "0123456789"),
        ("1,000 overlapping", &overlapping, 200, None, "0123456789"),
        ("past the end", "bytes=10-", 416, Some("bytes */10"), ""),
        ("far past the end", "bytes=99999999999999999999-", 416, Some("bytes */10"), ""),
        ("the last none", "bytes=-0", 416, Some("bytes */10"), ""),
    ] {
        MIK.case(&mut cases, name, || {
            let answer = get("/static/a.txt", &[("range", range)])?;
            same("status", answer.status(), status)?;
            same("body", answer.text().as_str(), body)?;
            let length = body.len().to_string();
            has(&answer, &[("content-range", content_range), ("content-length", Some(&length))])
        });
    }
    cases.finish();
}

#[test]
fn row_41_nothing_outside_and_nothing_but_files() {
    let mut cases = Cases::of("row 41: static");
    for target in [
        "/static/../secret",
        "/static/..",
        "/static/%2e%2e%2fsecret",
        "/static/%2e%2e/secret",
        "/static/.%2e/secret",
        "/static/%252e%252e%252fsecret",
        "/static/%252e%252e/secret",
        "/static/..%5csecret",
        "/static/..\\secret",
        "/static/docs/../../secret",
        "/static/a.txt%00",
        "/static/%00",
        "/static/%c0%af../secret",
        "/static/%c0%ae%c0%ae/secret",
        "/static/C:",
        "/static/C:/secret",
        "/static//secret",
        "/static///etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/%",
        "/static/%zz",
        "/static/link",
        "/static/folder/secret",
        "/static/root/etc/passwd",
        "/static/magic/etc/passwd",
        "/static/zero",
        "/static/fifo",
        "/static/fifo/",
        "/static/device",
        "/static/socket",
        "/static/empty",
        "/static/empty/",
        "/static/.hidden",
        "/static/%2ehidden",
        "/static/.git/config",
        "/static/a.txt/",
        "/static/none",
        "/staticsecret",
        "/static%2fa.txt",
    ] {
        let socket = MIK.path().join("public/socket");
        let _bound = UnixListener::bind(&socket);
        let sent = request("GET", target, &[("connection", "close")], b"");
        exchange(&MIK, &mut cases, target, &sent, |received| {
            let [answer] = received.answers.as_slice() else {
                return Err("expected one answer".to_owned());
            };
            if !matches!(answer.status(), 400 | 404) {
                return Err(format!("expected 404 or 400, got {}", answer.status()));
            }
            let text = answer.text();
            same("whole", answer.is_whole(), true)?;
            same("outside", text.contains(SECRET) || text.contains("root:"), false)?;
            closed(received)
        });
        let _ = fs::remove_file(&socket);
    }
    cases.finish();
}

/// A large file whose content tells where it is, and its first bytes on their way.
struct Sending {
    mik: Mik,
    raw: Raw,
    head: mik_conformance::Head,
    body: Vec<u8>,
}

fn content(mark: u8) -> Vec<u8> {
    let page = |number: usize| format!("{}{number:04095}", char::from(mark));
    (0..LARGE / 4_096).map(page).collect::<String>().into_bytes()
}

impl Sending {
    fn begin(content: &[u8]) -> Result<Self, String> {
        let setup = Setup::new(&["hello"]).config(CONFIG).file("public/large", content);
        let path = setup.path().join("public/large");
        // Whatever happens to it next is later.
        let then = std::time::SystemTime::now() - Duration::from_secs(1_000);
        let file = fs::File::options().write(true).open(path);
        file.and_then(|file| file.set_modified(then)).map_err(|error| error.to_string())?;
        let mik = setup.start();
        let mut raw = mik.connect();
        raw.send(request("GET", "/static/large", &[], b"")).map_err(|error| error.to_string())?;
        let mut head = raw.head("GET").map_err(|stop| stop.to_string())?;
        same("status", head.status, 200)?;
        let body = raw.piece(&mut head).map_err(|stop| stop.to_string())?.unwrap_or_default();
        Ok(Self { mik, raw, head, body })
    }

    /// What came in all, and whether that was the end.
    fn finish(mut self) -> (Vec<u8>, bool) {
        loop {
            match self.raw.piece(&mut self.head) {
                Ok(Some(piece)) => self.body.extend(piece),
                Ok(None) => return (self.body, true),
                Err(_) => return (self.body, false),
            }
        }
    }
}

#[test]
fn row_42_files_that_change_while_they_are_sent() {
    let old = content(b'o');
    let new = content(b'n');
    let mut cases = Cases::of("row 42");
    type Change = fn(&Mik, &Path, &[u8]) -> std::io::Result<()>;
    let changes: [(&str, Change, bool); 5] = [
        (
            "replaced",
            |mik, path, new| {
                mik.replace(path, new);
                Ok(())
            },
            true,
        ),
        ("removed", |_, path, _| fs::remove_file(path), true),
        (
            "truncated",
            |_, path, _| fs::File::options().write(true).open(path)?.set_len(1 << 20),
            false,
        ),
        ("emptied", |_, path, _| fs::write(path, ""), false),
        ("written over", |_, path, new| fs::write(path, new), false),
    ];
    for (name, change, is_whole) in changes {
        let outcome = Sending::begin(&old).and_then(|sending| -> Outcome {
            let path = sending.mik.path().join("public/large");
            change(&sending.mik, &path, &new).map_err(|error| error.to_string())?;
            let (came, ended) = sending.finish();
            same("whole", ended, is_whole)?;
            same("nothing but the old file", old.starts_with(&came), true)?;
            same("all of it", came.len() == old.len(), is_whole)
        });
        cases.note(name, outcome);
    }
    cases.finish();
}

#[test]
fn a_single_page_application_has_one_page() {
    let config =
        "[middleware]\nstatic = { root = \"public\", path = \"/\", fallback = \"index.html\" }\n";
    let setup = Setup::new(&["hello", "inspect"]).file("public/index.html", "<p>app");
    let mik = setup.config(&format!("{config}[modules.inspect]\nroute = \"/api\"\n")).start();
    let mut cases = Cases::of("static files at the root");
    for (target, expected) in
        [("/", "<p>app"), ("/orders/5", "<p>app"), ("/run/hello/", "Hello from mik!\n")]
    {
        mik.case(&mut cases, target, || {
            same("body", ask(&mik, "GET", target, &[])?.text().as_str(), expected)
        });
    }
    mik.case(&mut cases, "a module's own path", || {
        let answer = ask(&mik, "GET", "/api/x", &[])?;
        same("path", answer.json()["path"].as_str(), Some("/x"))
    });
    let sent = request("GET", "/missing.js", &[("connection", "close")], b"");
    exchange(&mik, &mut cases, "what has an extension is a file", &sent, |received| {
        let answer = received.answers.first().ok_or("no answer")?;
        told_with(failed_with(answer, 404, "not-found"), &sent, received)
    });
    cases.finish();
}
