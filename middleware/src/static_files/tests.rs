//! Files of a real folder, asked for through a host.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use http_body_util::BodyExt;
use mik_core::Body;
use rustix::fs::{FileType, Mode};

use super::*;
use crate::rig::{Rig, Served, get, make, text};

/// A folder `public` and a host that serves it.
struct Public {
    served: Served,
    dir: tempfile::TempDir,
}

impl Public {
    /// With these files, and these lines in the table.
    fn new(files: &[(&str, &str)], lines: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("public")).unwrap();
        for (name, content) in files {
            write(&dir.path().join("public").join(name), content.as_bytes());
        }
        let root = dir.path().join("public");
        let document = format!("[middleware.static]\nroot = {root:?}\n{lines}\n");
        let served = Rig::default().says("hello", "hello").made("static", &document).build();
        Self { served, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("public").join(name)
    }

    async fn get(&self, target: &str) -> Response {
        self.served.get(target).await
    }

    async fn send(&self, method: &str, target: &str, fields: &[(&str, &str)]) -> Response {
        let request = http::Request::builder().method(method).uri(target);
        let request =
            fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.served.send(request.body(Body::empty()).unwrap()).await
    }

    /// Status and body of the answer to a GET.
    async fn ask(&self, target: &str) -> (u16, String) {
        let response = self.get(target).await;
        (response.status().as_u16(), text(response).await)
    }

    async fn status(&self, target: &str) -> u16 {
        self.get(target).await.status().as_u16()
    }

    async fn tag(&self, target: &str) -> String {
        self.get(target).await.headers()["etag"].to_str().unwrap().to_owned()
    }
}

/// Writes a file as if that had been a while ago, so that whatever happens to it next is later.
fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    age(path, 1_000);
}

fn age(path: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

/// So many bytes, of which no two chunks are alike.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from((index / 7 + index / 65_536) % 251).unwrap()).collect()
}

async fn body(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn a_file_is_served_with_all_that_is_known_of_it() {
    let public = Public::new(&[("a/page.html", "<p>page")], "");
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let file = File::options().write(true).open(public.path("a/page.html")).unwrap();
    file.set_modified(date + Duration::from_millis(500)).unwrap();
    for method in ["GET", "HEAD"] {
        let response = public.send(method, "/static/a/page.html?x=1", &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut fields = response.headers().clone();
        let tag = fields.remove("etag").unwrap();
        assert!(tag.len() == 18 && tag.as_bytes()[0] == b'"', "a strong one: {tag:?}");
        let mut fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        fields.sort();
        let expected = [
            "accept-ranges: bytes",
            "cache-control: no-cache",
            "content-length: 7",
            "content-type: text/html; charset=utf-8",
            "last-modified: Sun, 06 Nov 1994 08:49:37 GMT",
            "vary: accept-encoding",
            "x-content-type-options: nosniff",
        ];
        assert_eq!(fields, expected);
        let expected = if method == "GET" { "<p>page" } else { "" };
        assert_eq!(text(response).await, expected);
    }
}

#[tokio::test]
async fn only_get_and_head_are_there() {
    let public = Public::new(&[("a", "a")], "");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        for target in ["/static/a", "/static/none"] {
            let response = public.send(method, target, &[]).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(response.headers()["allow"], "GET, HEAD");
        }
    }
    assert_eq!(public.ask("/run/hello").await, (200, "hello".to_owned()));
}

#[tokio::test]
async fn dates_that_http_cannot_say_are_left_out() {
    let public = Public::new(&[("a", "a"), ("b", "b")], "");
    let open = |name| File::options().write(true).open(public.path(name)).unwrap();
    let day = Duration::from_secs(86_400);
    open("a").set_modified(SystemTime::UNIX_EPOCH - day).unwrap();
    open("b").set_modified(SystemTime::now() + 1_000 * day).unwrap();
    for target in ["/static/a", "/static/b"] {
        let response = public.get(target).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key("last-modified"), "{target}");
        assert!(response.headers().contains_key("etag"), "{target}");
    }
}

#[tokio::test]
async fn a_folder_is_its_index() {
    let files =
        [("index.html", "root"), ("docs/index.html", "docs"), ("docs/ab:c/index.html", "odd")];
    let public = Public::new(&files, "index = [\"none.html\", \"index.html\"]");
    fs::create_dir(public.path("empty")).unwrap();
    for (target, content) in
        [("/static/", "root"), ("/static/docs/", "docs"), ("/static/docs/ab%3Ac/", "odd")]
    {
        assert_eq!(public.ask(target).await, (200, content.to_owned()), "{target}");
        let response = public.get(target).await;
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    }
    for (target, location) in [
        ("/static", "./static/"),
        ("/static?a=b", "./static/?a=b"),
        ("/static/docs", "./docs/"),
        ("/static/docs?a=b&c=%2F", "./docs/?a=b&c=%2F"),
        ("/static/docs/ab:c", "./ab%3Ac/"),
        ("/static/%64ocs", "./docs/"),
    ] {
        let response = public.get(target).await;
        assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY, "{target}");
        assert_eq!(response.headers()["location"], location, "{target}");
        assert_eq!(response.headers()["cache-control"], "no-cache");
    }
    for target in ["/static/empty", "/static/empty/", "/static/index.html/", "/static/none/"] {
        assert_eq!(public.status(target).await, 404, "{target}");
    }
}

#[tokio::test]
async fn without_an_index_a_folder_is_nothing() {
    let public = Public::new(&[("index.html", "root")], "index = []");
    for target in ["/static", "/static/"] {
        assert_eq!(public.status(target).await, 404, "{target}");
    }
    assert_eq!(public.status("/static/index.html").await, 200);
}

#[tokio::test]
async fn nothing_outside_is_served() {
    let files = [("a.txt", "a"), ("sub/b.txt", "b"), (".hidden", "h"), ("sub/.git/config", "g")];
    let public = Public::new(&files, "");
    write(&public.dir.path().join("secret"), b"secret");
    write(&public.dir.path().join("outside/secret"), b"secret");
    let link = |to: &str, name: &str| symlink(to, public.path(name)).unwrap();
    link("../secret", "link-up");
    link(public.dir.path().join("secret").to_str().unwrap(), "link-absolute");
    link(public.path("a.txt").to_str().unwrap(), "link-absolute-inside");
    link("../outside", "folder-up");
    link("/", "folder-root");
    link("/proc/self/root", "folder-magic");
    link("link-loop", "link-loop");
    link("none", "link-dangling");
    link("sub/../../secret", "link-winding");
    for target in [
        "/static/../secret",
        "/static/..",
        "/static/%2e%2e/secret",
        "/static/%2e%2e%2fsecret",
        "/static/%252e%252e/secret",
        "/static/..%5csecret",
        "/static/..%2fsecret",
        "/static/sub/../../secret",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/a.txt%00",
        "/static/%c0%af",
        "/static/C:",
        "/static/C:/a.txt",
        "/static/link-up",
        "/static/link-absolute",
        "/static/link-absolute-inside",
        "/static/link-winding",
        "/static/link-loop",
        "/static/link-dangling",
        "/static/folder-up/secret",
        "/static/folder-root/etc/passwd",
        "/static/folder-magic/etc/passwd",
        "/static/.hidden",
        "/static/%2ehidden",
        "/static/sub/.git/config",
        "/static/none",
        "/static/a.txt/x",
        "/staticx/a.txt",
    ] {
        let (status, answer) = public.ask(target).await;
        assert_eq!(status, 404, "{target}");
        assert!(!answer.contains("secret") && !answer.contains("root:"), "{target}: {answer}");
    }
    let long = format!("/static/{}", "x".repeat(300));
    assert_eq!(public.status(&long).await, 404, "longer than a name may be");
    let deep = format!("/static/{}", "x/".repeat(3_000));
    assert_eq!(public.status(&deep).await, 404, "longer than a path may be");
}

#[tokio::test]
async fn links_inside_are_followed() {
    let public = Public::new(&[("a.txt", "a"), ("sub/b.txt", "b"), (".hidden", "h")], "");
    symlink("sub/b.txt", public.path("to-b")).unwrap();
    symlink("sub", public.path("to-sub")).unwrap();
    symlink("../a.txt", public.path("sub/to-a")).unwrap();
    for (target, content) in
        [("/static/to-b", "b"), ("/static/to-sub/b.txt", "b"), ("/static/sub/to-a", "a")]
    {
        assert_eq!(public.ask(target).await, (200, content.to_owned()), "{target}");
    }
}

#[tokio::test]
async fn only_regular_files_are_served() {
    let public = Public::new(&[("a.txt", "a")], "");
    let make = |name: &str, kind: FileType| {
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, public.path(name), kind, mode, 0)
    };
    make("fifo", FileType::Fifo).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(public.path("socket")).unwrap();
    symlink("/dev/zero", public.path("zero")).unwrap();
    for target in ["/static/fifo", "/static/socket", "/static/zero", "/static/fifo/"] {
        let answer = tokio::time::timeout(Duration::from_secs(20), public.status(target));
        assert_eq!(answer.await.expect("no hang"), 404, "{target}");
    }
    let fields = [("accept-encoding", "br, gzip")];
    make("a.txt.br", FileType::Fifo).unwrap();
    fs::create_dir(public.path("a.txt.gz")).unwrap();
    let response = public.send("GET", "/static/a.txt", &fields).await;
    assert_eq!(text(response).await, "a", "not as a sibling either");
    make("index.html", FileType::Fifo).unwrap();
    assert_eq!(public.status("/static/").await, 404, "nor as an index");
}

#[tokio::test]
async fn dotfiles_are_served_if_asked_for() {
    let files = [(".hidden", "h"), ("sub/.git/config", "g"), (".well-known/x", "w")];
    let public = Public::new(&files, "dotfiles = true");
    assert_eq!(public.status("/static/.hidden").await, 200);
    assert_eq!(public.status("/static/sub/.git/config").await, 200);
    assert_eq!(public.status("/static/../public/.hidden").await, 404);
    let public = Public::new(&files, "");
    assert_eq!(public.status("/static/.well-known/x").await, 200);
    assert_eq!(public.status("/static/.hidden").await, 404);
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let public = Public::new(&[("a.txt", "content")], "");
    let tag = public.tag("/static/a.txt").await;
    let modified = public.get("/static/a.txt").await.headers()["last-modified"].clone();
    let modified = modified.to_str().unwrap();
    let weak = format!("W/{tag}");
    for fields in
        [("if-none-match", &*tag), ("if-none-match", &*weak), ("if-modified-since", modified)]
    {
        for method in ["GET", "HEAD"] {
            let response = public.send(method, "/static/a.txt", &[fields]).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{fields:?}");
            assert_eq!(response.headers()["etag"], tag);
            assert_eq!(response.headers()["cache-control"], "no-cache");
            assert_eq!(response.headers()["vary"], "accept-encoding");
            assert_eq!(response.headers().len(), 3, "{:?}", response.headers());
            assert_eq!(text(response).await, "");
        }
    }
    for fields in [
        ("if-match", "\"x\""),
        ("if-match", &*weak),
        ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        let response = public.send("GET", "/static/a.txt", &[fields]).await;
        assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED, "{fields:?}");
        assert_eq!(text(response).await, "");
    }
    let fields = [("if-match", &*tag), ("if-none-match", "\"x\"")];
    let response = public.send("GET", "/static/a.txt", &fields).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = public.send("GET", "/static/none", &[("if-none-match", "*")]).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND, "conditions come last");
}

#[tokio::test]
async fn another_content_has_another_tag() {
    let public = Public::new(&[("a", "one"), ("b", "one")], "");
    let mut seen = vec![public.tag("/static/a").await, public.tag("/static/b").await];
    assert_eq!(public.tag("/static/a").await, seen[0], "and the same has the same");
    let then = fs::metadata(public.path("a")).unwrap().modified().unwrap();
    // In place, as long as before, and with its time set back.
    fs::write(public.path("a"), "two").unwrap();
    let file = File::options().write(true).open(public.path("a")).unwrap();
    file.set_modified(then).unwrap();
    seen.push(public.tag("/static/a").await);
    // Renamed over it, with the same time.
    fs::write(public.path("new"), "six").unwrap();
    let file = File::options().write(true).open(public.path("new")).unwrap();
    file.set_modified(then).unwrap();
    fs::rename(public.path("new"), public.path("a")).unwrap();
    seen.push(public.tag("/static/a").await);
    let all: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(all.len(), seen.len(), "{seen:?}");
}

#[tokio::test]
async fn files_of_any_length_are_whole() {
    let public = Public::new(&[], "");
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 300_001] {
        let content = bytes(length);
        write(&public.path("file"), &content);
        let response = public.get("/static/file").await;
        assert_eq!(response.headers()["content-length"], length.to_string());
        assert_eq!(response.body().length(), Some(length as u64));
        assert!(body(response).await == content, "{length} bytes");
    }
}

#[tokio::test]
async fn a_part_is_that_part() {
    let public = Public::new(&[], "");
    let content = bytes(300_000);
    write(&public.path("file"), &content);
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=0-65535", 0, 65_535),
        ("bytes=65530-65540", 65_530, 65_540),
        ("bytes=1-299999", 1, 299_999),
        ("bytes=0-", 0, 299_999),
        ("bytes=299999-", 299_999, 299_999),
        ("bytes=-70000", 230_000, 299_999),
        ("bytes=100000-999999999", 100_000, 299_999),
    ] {
        let response = public.send("GET", "/static/file", &[("range", range)]).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        let told = format!("bytes {first}-{last}/300000");
        assert_eq!(response.headers()["content-range"], told);
        assert_eq!(response.headers()["content-length"], (last - first + 1).to_string());
        assert!(body(response).await == content[first..=last], "{range}");
    }
    let many = format!("bytes={}", vec!["0-299999"; 1_000].join(","));
    for range in ["bytes=", "bytes=5-3", "bytes=0-1,3-4", "lines=0-1", &many] {
        let response = public.send("GET", "/static/file", &[("range", range)]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key("content-range"));
        assert_eq!(body(response).await.len(), 300_000);
    }
    for range in ["bytes=300000-", "bytes=300000-300001", "bytes=-0"] {
        let response = public.send("GET", "/static/file", &[("range", range)]).await;
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(response.headers()["content-range"], "bytes */300000");
        assert_eq!(text(response).await, "");
    }
    let response = public.send("HEAD", "/static/file", &[("range", "bytes=0-0")]).await;
    assert_eq!(response.status(), StatusCode::OK, "HEAD has no ranges");
    assert_eq!(response.headers()["content-length"], "300000");
}

#[tokio::test]
async fn a_part_of_another_version_is_the_whole() {
    let public = Public::new(&[("a", "content")], "");
    let tag = public.tag("/static/a").await;
    let modified = public.get("/static/a").await.headers()["last-modified"].clone();
    let modified = modified.to_str().unwrap();
    for (condition, status) in [(&*tag, 206), ("\"x\"", 200), (modified, 200)] {
        let fields = [("range", "bytes=0-1"), ("if-range", condition)];
        let response = public.send("GET", "/static/a", &fields).await;
        assert_eq!(response.status(), status, "{condition}");
    }
    let fields = [("range", "bytes=0-1"), ("if-none-match", &*tag)];
    let response = public.send("GET", "/static/a", &fields).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "conditions go before ranges");
}

#[tokio::test]
async fn what_lies_compressed_beside_a_file_is_sent() {
    let files = [("a.js", "plain"), ("a.js.br", "BR"), ("a.js.gz", "GZIP!"), ("b.js", "plain")];
    let public = Public::new(&files, "");
    for (accept, coding, content) in [
        ("gzip, br", Some("br"), "BR"),
        ("gzip", Some("gzip"), "GZIP!"),
        ("gzip, br;q=0.1", Some("gzip"), "GZIP!"),
        ("zstd", None, "plain"),
        ("br;q=0", None, "plain"),
        ("identity", None, "plain"),
        ("*;q=0, gzip;q=9", None, "plain"),
    ] {
        let response = public.send("GET", "/static/a.js", &[("accept-encoding", accept)]).await;
        assert_eq!(response.status(), StatusCode::OK, "{accept}");
        let found = response.headers().get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(found, coding, "{accept}");
        assert_eq!(response.headers()["vary"], "accept-encoding");
        assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(text(response).await, content, "{accept}");
    }
    let fields = [("accept-encoding", "br"), ("range", "bytes=1-")];
    let response = public.send("GET", "/static/a.js", &fields).await;
    assert_eq!(response.headers()["content-range"], "bytes 1-1/2");
    assert_eq!(text(response).await, "R", "a part of what is sent");
    let br = public.send("GET", "/static/a.js", &fields[..1]).await;
    assert_ne!(br.headers()["etag"], public.tag("/static/a.js").await.as_str());
    let response = public.send("GET", "/static/b.js", &fields[..1]).await;
    assert_eq!(text(response).await, "plain");
    age(&public.path("a.js"), 10);
    let response = public.send("GET", "/static/a.js", &fields[..1]).await;
    assert_eq!(text(response).await, "plain", "it was made of an older version");
}

#[tokio::test]
async fn compressed_files_are_left_alone_if_asked_for() {
    let public = Public::new(&[("a", "plain"), ("a.br", "BR")], "precompressed = []");
    let response = public.send("GET", "/static/a", &[("accept-encoding", "br")]).await;
    assert!(!response.headers().contains_key("vary"));
    assert_eq!(text(response).await, "plain");
    let public = Public::new(
        &[("a", "plain"), ("a.br", "BR"), ("a.gz", "GZ")],
        "precompressed = [\"gzip\"]",
    );
    let response = public.send("GET", "/static/a", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(text(response).await, "GZ");
}

#[tokio::test]
async fn a_page_may_stand_for_what_is_not_there() {
    let files = [("app.html", "app"), ("a.js", "a"), ("docs/a.txt", "a")];
    let public = Public::new(&files, "fallback = \"app.html\"\nindex = []");
    for target in ["/static/", "/static", "/static/orders/5", "/static/docs", "/static/docs/"] {
        let response = public.get(target).await;
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(response.status(), StatusCode::OK, "{target}");
        assert_eq!(text(response).await, "app", "{target}");
    }
    for target in ["/static/b.js", "/static/../x", "/static/%2e%2e/x", "/static/x%00", "/static/.x"]
    {
        assert_eq!(public.status(target).await, 404, "{target}");
    }
    assert_eq!(public.ask("/static/a.js").await, (200, "a".to_owned()));
    let public = Public::new(&[], "fallback = \"none.html\"");
    assert_eq!(public.status("/static/x").await, 404);
}

/// The rest of a body: what came, and whether it came to its end.
async fn rest(mut body: Body) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => all.extend_from_slice(frame.data_ref().unwrap()),
            Err(_) => return (all, false),
        }
    }
    (all, true)
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_sent_is_the_old_one() {
    let public = Public::new(&[], "");
    let old = bytes(400_000);
    write(&public.path("file"), &old);
    let response = public.get("/static/file").await;
    fs::write(public.path("new"), vec![b'x'; 400_000]).unwrap();
    fs::rename(public.path("new"), public.path("file")).unwrap();
    assert!(rest(response.into_body()).await == (old.clone(), true));
    write(&public.path("file"), &old);
    let response = public.get("/static/file").await;
    fs::remove_file(public.path("file")).unwrap();
    assert!(rest(response.into_body()).await == (old, true), "nor does it matter that it is gone");
}

#[tokio::test]
async fn a_file_that_is_written_to_while_it_is_sent_breaks_off() {
    let old = bytes(400_000);
    let changes: [fn(&Path); 4] = [
        |path| File::options().write(true).open(path).unwrap().set_len(100_000).unwrap(),
        |path| File::options().write(true).open(path).unwrap().set_len(0).unwrap(),
        |path| fs::write(path, vec![b'x'; 400_000]).unwrap(),
        |path| fs::write(path, vec![b'x'; 500_000]).unwrap(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let public = Public::new(&[], "");
        write(&public.path("file"), &old);
        for fields in [&[][..], &[("range", "bytes=5-")]] {
            write(&public.path("file"), &old);
            let response = public.send("GET", "/static/file", fields).await;
            let first = if fields.is_empty() { 0 } else { 5 };
            change(&public.path("file"));
            let (came, is_whole) = rest(response.into_body()).await;
            assert!(!is_whole, "change {index}");
            assert!(old[first..].starts_with(&came), "change {index}: nothing of the new one");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_leaves_nothing_behind() {
    let public = Public::new(&[], "");
    write(&public.path("file"), &bytes(400_000));
    let response = public.get("/static/file").await;
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(public.status("/static/file").await, 200);
}

#[tokio::test]
async fn a_folder_that_is_made_anew_is_found() {
    let public = Public::new(&[("a", "old")], "");
    assert_eq!(public.ask("/static/a").await, (200, "old".to_owned()));
    fs::remove_dir_all(public.path("")).unwrap();
    assert_eq!(public.status("/static/a").await, 404);
    write(&public.path("a"), b"new");
    assert_eq!(public.ask("/static/a").await, (200, "new".to_owned()));
}

#[tokio::test]
async fn a_link_to_the_folder_may_be_switched() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    write(&path("one/a"), b"one");
    write(&path("two/a"), b"two");
    symlink("one", path("current")).unwrap();
    let served = Rig::default().with(StaticFiles::new(path("current")).unwrap()).build();
    assert_eq!(text(served.get("/static/a").await).await, "one");
    symlink("two", path("next")).unwrap();
    fs::rename(path("next"), path("current")).unwrap();
    assert_eq!(text(served.get("/static/a").await).await, "two");
}

#[tokio::test]
async fn it_may_stand_anywhere_and_modules_stay_where_they_are() {
    let files = tempfile::tempdir().unwrap();
    write(&files.path().join("index.html"), b"index");
    write(&files.path().join("app/index.html"), b"app");
    let site = StaticFiles::new(files.path()).unwrap().at(RoutePath::root()).cache_control(None);
    let route = |path| RoutePath::new(path).unwrap();
    let served = Rig::default()
        .module("hello", |request, _| async move {
            Ok(Response::new(Body::from(request.uri().path().to_owned())))
        })
        .with(site)
        .build_with(|builder| {
            builder.route(route("/api"), mik_core::ModuleName::new("hello").unwrap())
        });
    for (target, expected) in
        [("/", "index"), ("/app/", "app"), ("/api/x", "/x"), ("/api", "/"), ("/run/hello/y", "/y")]
    {
        let response = served.get(target).await;
        assert_eq!(response.status(), StatusCode::OK, "{target}");
        assert!(!response.headers().contains_key("cache-control"));
        assert_eq!(text(response).await, expected, "{target}");
    }
    assert_eq!(served.get("/health").await.headers()["content-type"], "application/json");
    let response = served.get("/app").await;
    assert_eq!(response.headers()["location"], "./app/");
}

#[tokio::test]
async fn it_is_made_in_rust_as_well() {
    let files = tempfile::tempdir().unwrap();
    for (name, content) in [("a", "plain"), ("a.br", "BR"), (".b", "hidden"), ("c.html", "page")] {
        write(&files.path().join(name), content.as_bytes());
    }
    let site = StaticFiles::new(files.path())
        .unwrap()
        .at(RoutePath::new("/files").unwrap())
        .index(["c.html"])
        .cache_control(Some(HeaderValue::from_static("max-age=5")))
        .precompressed(false)
        .dotfiles(true)
        .fallback("c.html");
    let served = Rig::default().with(site).build();
    let mut request = get("/files/a");
    request.headers_mut().insert("accept-encoding", HeaderValue::from_static("br"));
    let response = served.send(request).await;
    assert_eq!(response.headers()["cache-control"], "max-age=5");
    assert_eq!(text(response).await, "plain");
    for (target, content) in [("/files/.b", "hidden"), ("/files/", "page"), ("/files/none", "page")]
    {
        assert_eq!(text(served.get(target).await).await, content, "{target}");
    }
    assert!(StaticFiles::new(files.path().join("none")).is_err());
    assert!(StaticFiles::new(files.path().join("a")).is_err(), "a file is no folder");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = format!("root = {:?}", dir.path());
    write(&dir.path().join("file"), b"");
    let refused = |lines: &str, told: &str| {
        let document = format!("[middleware.static]\n{lines}\n");
        let error = make("static", &document).map(|_| ()).unwrap_err();
        assert!(error.contains(told), "{lines}: {error}");
    };
    refused("", "it needs `root`");
    refused("root = \"/nowhere/at/all\"", "\"/nowhere/at/all\" cannot be served: No such file");
    refused(&format!("root = {:?}", dir.path().join("file")), "Not a directory");
    for (line, told) in [
        ("path = \"static\"", "must start with '/'"),
        ("path = \"/a/../b\"", "segment"),
        ("index = [\"../x\"]", "a file below root"),
        ("index = [\"\"]", "a file below root"),
        ("index = \"index.html\"", "sequence"),
        ("fallback = \"/etc/passwd\"", "a file below root"),
        ("fallback = \"\"", "a file below root"),
        ("cache_control = \"a\\nb\"", "printable ASCII"),
        ("precompressed = [\"deflate\"]", "unknown variant"),
        ("dotfiles = \"yes\"", "boolean"),
        ("dir = \"x\"", "unknown field"),
    ] {
        refused(&format!("{root}\n{line}"), told);
    }
    assert!(make("static", &format!("[middleware.static]\n{root}")).is_ok());
    let shorthand = format!("[middleware]\nstatic = {:?}\n", dir.path());
    assert!(make("static", &shorthand).is_ok());
}
