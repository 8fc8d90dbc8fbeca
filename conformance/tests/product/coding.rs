//! Content codings. Row 20, and what is compressed on its way out. What is inflated or limited on its way
//! in, row 19 among it, stands in the second half, `bodies`.

mod bodies;

use std::io::{Read, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use flate2::write::GzDecoder as GzReader;
use mik_conformance::{Cases, Mik, Outcome, Response, Setup, request};

static MIK: LazyLock<Mik> =
    LazyLock::new(|| Mik::run(&["hello", "stream", "sse", "half", "inspect"], ""));

/// What `stream` gives.
fn pattern(chunks: usize, size: usize) -> Vec<u8> {
    (0..chunks).flat_map(|index| vec![b'a' + (index % 26) as u8; size]).collect()
}

fn gunzip(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let read = GzDecoder::new(packed).read_to_end(&mut plain);
    read.map(|_| plain).map_err(|error| format!("no gzip after {} bytes: {error}", packed.len()))
}

fn get(mik: &Mik, target: &str, accepted: &str) -> Result<Response, String> {
    let fields = [("accept-encoding", accepted)];
    mik.connect().request("GET", target, &fields, b"").map_err(|stop| stop.to_string())
}

fn values<'a>(answer: &'a Response, name: &'a str) -> Vec<&'a str> {
    answer.head.fields.values(name).collect()
}

/// A whole answer of 200 in gzip that says so and that it varies, and holds these bytes.
fn is_gzip_of(answer: &Response, plain: &[u8]) -> Outcome {
    let head = [
        ("content-encoding", vec!["gzip"]),
        ("vary", vec!["accept-encoding"]),
        ("content-length", vec![]),
        ("accept-ranges", vec![]),
    ];
    for (name, expected) in head {
        if values(answer, name) != expected {
            return Err(format!("{name}: {:?} in {answer}", values(answer, name)));
        }
    }
    if answer.status() != 200 || !answer.is_whole() {
        return Err(answer.to_string());
    }
    if gunzip(&answer.body)? == plain { Ok(()) } else { Err("other bytes".to_owned()) }
}

/// A whole answer of 200 as the guest gave it.
fn is_plain(answer: &Response, plain: &[u8]) -> Outcome {
    if answer.status() != 200 || !answer.is_whole() || answer.field("content-encoding").is_some() {
        return Err(format!("{answer} {:?}", answer.head.fields));
    }
    if answer.body == plain { Ok(()) } else { Err("other bytes".to_owned()) }
}

#[test]
fn row_20_what_is_accepted() {
    let mut cases = Cases::of("row 20");
    let plain = pattern(10, 1_024);
    let many = |what: &str, rest: &str| format!("{}{rest}", what.repeat(1_000));
    for (name, accepted) in [
        ("a weight past 1", "*;q=0, gzip;q=9".to_owned()),
        ("1,000 codings", many("x;q=0.5,", "gzip")),
        ("1,000 times nothing", many(",", "gzip")),
        ("one of 8 KiB", format!("{}, gzip", "x".repeat(8_192))),
        ("everything refused", "*;q=0, identity;q=0".to_owned()),
        ("no number", "gzip;q=high".to_owned()),
        ("identity preferred", "identity, gzip;q=0.5".to_owned()),
    ] {
        MIK.case(&mut cases, name, || {
            let answer = get(&MIK, "/run/stream/", &accepted)?;
            is_plain(&answer, &plain)?;
            match values(&answer, "vary")[..] {
                ["accept-encoding"] => Ok(()),
                _ => Err(format!("vary: {:?}", values(&answer, "vary"))),
            }
        });
    }
    for accepted in ["gzip", "*", "x-gzip;q=0.001", "br, deflate;q=0.9, gzip;q=0.1", "gzip, *;q=0"]
    {
        MIK.case(&mut cases, accepted, || {
            is_gzip_of(&get(&MIK, "/run/stream/", accepted)?, &plain)
        });
    }
    cases.finish();
}

#[test]
fn what_is_compressed_arrives_whole() {
    let mut cases = Cases::of("compressed bodies");
    for (chunks, size) in [(1, 1), (100, 10_000), (3, 1_000_000), (1_000, 10)] {
        for length in ["", "&length=1"] {
            let target = format!("/run/stream/?chunks={chunks}&size={size}{length}");
            MIK.case(&mut cases, &target, || {
                let answer = get(&MIK, &target, "gzip, deflate, br")?;
                let plain = pattern(chunks, size);
                // Short, and known to be.
                let is_short = chunks * size < 1_024;
                if is_short { is_plain(&answer, &plain) } else { is_gzip_of(&answer, &plain) }
            });
        }
    }
    MIK.case(&mut cases, "one that breaks off", || {
        let answer = get(&MIK, "/run/half/?bytes=5000&pause_ms=50&how=trap", "gzip")?;
        match (answer.field("content-encoding"), answer.is_whole()) {
            (Some("gzip"), false) if gunzip(&answer.body).is_err() => Ok(()),
            _ => Err(answer.to_string()),
        }
    });
    cases.finish();
}

#[test]
fn what_is_not_compressed_is_unchanged() {
    let mut cases = Cases::of("bodies left as they are");
    MIK.case(&mut cases, "a short one", || {
        let answer = get(&MIK, "/run/hello/", "gzip")?;
        is_plain(&answer, b"Hello from mik!\n")?;
        match answer.field("vary") {
            None => Ok(()),
            Some(vary) => Err(format!("vary: {vary}")),
        }
    });
    MIK.case(&mut cases, "for who does not ask", || {
        let answer = MIK.get("/run/stream/?length=1").map_err(|stop| stop.to_string())?;
        is_plain(&answer, &pattern(10, 1_024))?;
        match (answer.field("vary"), answer.field("content-length")) {
            (Some("accept-encoding"), Some("10240")) => Ok(()),
            _ => Err(answer.to_string()),
        }
    });
    MIK.case(&mut cases, "HEAD", || {
        let fields = [("accept-encoding", "gzip")];
        let answer = MIK.connect().request("HEAD", "/run/stream/?length=1", &fields, b"");
        let answer = answer.map_err(|stop| stop.to_string())?;
        match (answer.field("content-encoding"), answer.field("content-length")) {
            (Some("gzip"), None) if answer.body.is_empty() => Ok(()),
            _ => Err(answer.to_string()),
        }
    });
    cases.finish();
}

#[test]
fn a_client_of_http_1_0_reads_it_to_the_end() {
    let mut cases = Cases::of("HTTP/1.0");
    MIK.case(&mut cases, "gzip", || {
        let mut raw = MIK.connect();
        let head = "GET /run/stream/?chunks=100 HTTP/1.0\r\naccept-encoding: gzip\r\n\r\n";
        let _ = raw.send(head);
        let answer = raw.response().map_err(|stop| stop.to_string())?;
        is_gzip_of(&answer, &pattern(100, 1_024))
    });
    cases.finish();
}

#[test]
fn compressed_events_arrive_one_by_one() {
    let mut cases = Cases::of("compressed events");
    MIK.case(&mut cases, "five, 300 ms apart", || {
        let mut raw = MIK.connect();
        let fields = [("accept", "text/event-stream"), ("accept-encoding", "gzip")];
        let _ = raw.send(request("GET", "/run/sse/?events=5&ms=300", &fields, b""));
        let mut head = raw.head("GET").map_err(|stop| stop.to_string())?;
        if head.fields.value("content-encoding") != Some("gzip") {
            return Err(format!("{:?}", head.fields));
        }
        let mut reader = GzReader::new(Vec::new());
        // When each event could be read.
        let mut arrivals = Vec::new();
        while let Some(piece) = raw.piece(&mut head).map_err(|stop| stop.to_string())? {
            reader.write_all(&piece).and_then(|()| reader.flush()).map_err(|e| e.to_string())?;
            let text = String::from_utf8_lossy(reader.get_ref());
            arrivals.resize(text.matches("\n\n").count(), Instant::now());
        }
        let text = reader.finish().map_err(|error| error.to_string())?;
        if text != b"data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n" {
            return Err(String::from_utf8_lossy(&text).into_owned());
        }
        let apart = arrivals.windows(2).filter(|two| two[1] - two[0] > Duration::from_millis(100));
        match apart.count() {
            4 => Ok(()),
            apart => Err(format!("{apart} of 4 pauses in {arrivals:?}")),
        }
    });
    cases.finish();
}

#[test]
fn codings_levels_and_types_are_settings() {
    let mik = Mik::run(
        &["hello", "stream", "sse"],
        "[middleware.compression]\ncodings = [\"zstd\", \"br\", \"gzip\"]\nmin_size = \"10B\"\n\
         level = { gzip = 9, br = 6, zstd = 6 }\ntypes = [\"text/plain\"]\n\
         [modules.stream.compression]\ncodings = [\"gzip\"]\n",
    );
    let mut cases = Cases::of("settings of compression");
    for (target, accepted, coding) in [
        ("/run/hello/", "gzip, br, zstd", Some("zstd")),
        ("/run/hello/", "gzip, br", Some("br")),
        ("/run/hello/", "gzip", Some("gzip")),
        ("/run/stream/", "gzip;q=0.1, br, zstd", Some("gzip")),
        ("/run/stream/", "br, zstd", None),
        ("/run/sse/?events=1", "gzip, br, zstd", None),
    ] {
        mik.case(&mut cases, &format!("{target} {accepted}"), || {
            let answer = get(&mik, target, accepted)?;
            let found = answer.field("content-encoding");
            if found != coding || !answer.is_whole() {
                return Err(answer.to_string());
            }
            match found {
                Some("gzip") => gunzip(&answer.body).map(|_| ()),
                _ => Ok(()),
            }
        });
    }
    cases.finish();

    let off = Mik::run(&["stream"], "[middleware.compression]\nenabled = false\n");
    let answer = get(&off, "/run/stream/", "gzip").unwrap();
    assert!(is_plain(&answer, &pattern(10, 1_024)).is_ok(), "{answer}");
    assert_eq!(answer.field("vary"), None);
}

#[test]
fn bytes_before_and_after_are_counted() {
    let mik = Mik::run(&["stream"], "");
    let answer = get(&mik, "/run/stream/", "gzip").unwrap();
    let page = mik.text("/metrics");
    let count = |name: &str| {
        let line = page
            .lines()
            .find(|line| line.starts_with(name) && line.contains("mik_coding=\"gzip\""));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    assert_eq!(count("mik_compression_in_bytes_total"), Some(10_240.0), "{page}");
    assert_eq!(count("mik_compression_out_bytes_total"), Some(answer.body.len() as f64), "{page}");
}

#[test]
fn a_wrong_table_is_refused_with_its_place() {
    for (line, table, expected) in [
        (2, "[middleware.compression]\ncodings = [\"deflate\"]\n", "expected one of `gzip`, `br`"),
        (
            1,
            "[middleware.compression]\ncodings = [\"br\", \"br\"]\n",
            "name each of `codings` once",
        ),
        (2, "[middleware.compression]\nmin_size = 5\n", "a size from"),
        (2, "[modules.a.compression]\ntypes = [\"text\"]\n", "a media type"),
        (2, "[modules.a.compression]\ninflaet = true\n", "inflate"),
        (2, "[middleware]\nbody-limit = \"much\"\n", "a size from"),
        (2, "[modules.a.body-limit]\nbyte = \"1MiB\"\n", "bytes"),
    ] {
        let checked = Setup::new(&[]).config(table).run(&["check"]);
        assert_eq!(checked.code(), Some(1), "{table}: {}", checked.stderr);
        let output = checked.stdout + &checked.stderr;
        assert!(output.contains(expected), "{table}: {output}");
        assert!(output.contains(&format!("mik.toml:{line}:")), "{table}: {output}");
    }
}
