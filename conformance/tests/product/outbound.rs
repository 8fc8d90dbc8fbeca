//! What guests may call: other servers, addresses of the host's own network, and each other. Row 37.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mik_conformance::{Cases, Mik, Origin, Outcome, Response, Setup, failed_with};

static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);

/// A module for each list of allowed hosts.
static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let port = ORIGIN.port();
    let lists = [
        ("up-none", String::new()),
        ("up-localhost", "\"localhost\"".into()),
        ("up-localhost-port", format!("\"localhost:{port}\"")),
        ("up-address", "\"127.0.0.1\"".into()),
        ("up-port", format!("\"127.0.0.1:{port}\"")),
        ("up-other-port", "\"127.0.0.1:1\"".into()),
        ("up-star", "\"*\"".into()),
        ("up-suffix", "\"*.example.com\", \"*.internal\"".into()),
        (
            "up-name",
            local_names()
                .into_iter()
                .map(|name| format!("\"{name}\""))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("up-metadata", "\"169.254.169.254\"".into()),
    ];
    let setup = Setup::new(&["hello"]).guest("recurse", "recurse").guest("recurse", "lonely");
    let setup = lists.iter().fold(setup, |setup, (name, _)| setup.guest("upstream", name));
    // What is asked of these guests fails on purpose, again and again.
    let mut config = String::from(
        "[middleware.breaker]\nenabled = false\n\
         [modules.recurse]\nallowed_hosts = [\"*.mik.internal\"]\n\
         [modules.up-internal]\nallowed_hosts = [\"hello.mik.internal\"]\n",
    );
    for (name, hosts) in lists {
        config += &format!("[modules.{name}]\nallowed_hosts = [{hosts}]\n");
    }
    setup.guest("upstream", "up-internal").config(&config).start()
});

/// Names other than `localhost` that this machine resolves to a loopback address: what a name that
/// rebinds comes to.
fn local_names() -> Vec<String> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let local = hosts.lines().filter(|line| line.starts_with("127."));
    let names = local
        .flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace().skip(1));
    names.filter(|name| *name != "localhost").map(ToOwned::to_owned).collect()
}

fn escaped(url: &str) -> String {
    url.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn call(module: &str, url: &str, more: &str) -> Result<Response, String> {
    let target = format!("/run/{module}/?url={}{more}", escaped(url));
    MIK.get(&target).map_err(|stop| format!("no response: {stop}"))
}

fn reached(answer: &Response) -> Outcome {
    let right = answer.status() == 200 && answer.text() == "origin ok";
    if right { Ok(()) } else { Err(format!("expected the origin's answer, got {answer}")) }
}

fn denied(answer: &Response) -> Outcome {
    // `HttpRequestDenied` for a host, `DestinationIpProhibited` for the address that it led to.
    let said = ["Denied", "Prohibited"].iter().any(|code| answer.text().contains(code));
    let right = answer.status() == 502 && said;
    if right { Ok(()) } else { Err(format!("expected a denial, got {answer}")) }
}

#[test]
fn allowed_hosts_decide() {
    let port = ORIGIN.port();
    let mut cases = Cases::of("allowed_hosts");
    for (module, host, allowed) in [
        ("up-none", "127.0.0.1", false),
        ("up-none", "localhost", false),
        ("up-localhost", "localhost", true),
        ("up-localhost", "LOCALHOST", true),
        ("up-localhost", "127.0.0.1", true),
        ("up-localhost-port", "localhost", true),
        ("up-address", "127.0.0.1", true),
        ("up-address", "127.0.0.2", false),
        ("up-address", "localhost", false),
        ("up-port", "127.0.0.1", true),
        ("up-port", "[::ffff:127.0.0.1]", true),
        ("up-other-port", "127.0.0.1", false),
        ("up-star", "127.0.0.1", false),
        ("up-star", "localhost", false),
        ("up-star", "[::1]", false),
        ("up-star", "[::ffff:127.0.0.1]", false),
        ("up-star", "0.0.0.0", false),
        ("up-star", "2130706433", false),
        ("up-star", "0x7f000001", false),
        ("up-star", "127.1", false),
        ("up-suffix", "127.0.0.1", false),
        ("up-localhost", "u@127.0.0.1", false),
    ] {
        MIK.case(&mut cases, &format!("{module} calls {host}"), || {
            let mark = format!("/{module}/{host}").replace(['[', ']', '@'], "");
            let answer = call(module, &format!("http://{host}:{port}{mark}"), "")?;
            let arrived = ORIGIN.requests(&mark).len();
            match (allowed, arrived) {
                (true, 1) => reached(&answer),
                // What is no host at all may be refused in other words.
                (false, 0) if answer.status() != 200 => Ok(()),
                _ => Err(format!("{arrived} requests reached the origin; {answer}")),
            }
        });
    }
    cases.finish();
}

#[test]
fn row_37_addresses_of_the_hosts_own_network() {
    let port = ORIGIN.port();
    let mut cases = Cases::of("row 37");
    for (module, url) in [
        ("up-none", "http://169.254.169.254/latest/meta-data/".to_owned()),
        ("up-star", "http://169.254.169.254/latest/meta-data/".to_owned()),
        ("up-star", "http://[fd00:ec2::254]/latest/meta-data/".to_owned()),
        ("up-star", "http://10.0.0.1/".to_owned()),
        ("up-star", "http://192.168.0.1/".to_owned()),
        ("up-star", format!("http://127.0.0.1:{port}/star")),
        ("up-star", "http://hello.mik.internal/".to_owned()),
        ("up-suffix", "http://hello.mik.internal/".to_owned()),
    ] {
        MIK.case(&mut cases, &format!("{module} calls {url}"), || denied(&call(module, &url, "")?));
    }
    for name in local_names() {
        MIK.case(&mut cases, &format!("an allowed name that leads to loopback: {name}"), || {
            denied(&call("up-name", &format!("http://{name}:{port}/rebound"), "")?)
        });
    }
    let rebound = ORIGIN.requests("/rebound").len() + ORIGIN.requests("/star").len();
    cases.check("the origin saw nothing", rebound == 0, format!("{rebound} requests"));
    MIK.case(&mut cases, "an address that is listed is tried", || {
        let answer = call("up-metadata", "http://169.254.169.254/", "&connect_ms=300")?;
        if denied(&answer).is_err() && answer.status() != 500 {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    });
    cases.finish();
}

#[test]
fn a_denied_call_logs_the_line_that_would_allow_it() {
    let port = ORIGIN.port();
    let mut cases = Cases::of("the log of a denial");
    MIK.case(&mut cases, "another host", || {
        denied(&call("up-none", &format!("http://127.0.0.1:{port}/"), "")?)?;
        let told =
            [format!("127.0.0.1:{port}"), "allowed_hosts = [".into(), "[modules.up-none]".into()];
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let line = MIK.log().wait(Duration::from_secs(10), &told);
        line.map(|_| ()).ok_or_else(|| format!("no line with {told:?}; stderr:\n{}", MIK.stderr()))
    });
    MIK.case(&mut cases, "another module", || {
        denied(&call("up-none", "http://hello.mik.internal/", "")?)?;
        let line =
            MIK.log().wait(Duration::from_secs(10), &["hello.mik.internal", "[modules.up-none]"]);
        line.map(|_| ()).ok_or_else(|| "no line with hello.mik.internal".to_owned())
    });
    cases.finish();
}

#[test]
fn requests_pass_as_they_are_and_connections_are_kept() {
    let port = ORIGIN.port();
    let mut cases = Cases::of("outgoing requests");
    MIK.case(&mut cases, "keep-alive", || {
        reached(&call("up-port", &format!("http://127.0.0.1:{port}/kept"), "&count=5")?)?;
        let seen = ORIGIN.requests("/kept");
        let connections: std::collections::BTreeSet<_> =
            seen.iter().map(|seen| seen.connection).collect();
        if seen.len() == 5 && connections.len() == 1 {
            Ok(())
        } else {
            Err(format!("{} requests on {} connections", seen.len(), connections.len()))
        }
    });
    MIK.case(&mut cases, "target and host", || {
        reached(&call("up-port", &format!("http://127.0.0.1:{port}/as-sent/a%20b?x=%2F&y"), "")?)?;
        let seen = ORIGIN.requests("/as-sent");
        let line = seen.first().map(|seen| seen.line.clone()).unwrap_or_default();
        if line != "GET /as-sent/a%20b?x=%2F&y HTTP/1.1" {
            return Err(line);
        }
        let fields = &seen[0].fields;
        let hosts: Vec<_> = fields.values("host").collect();
        if hosts == [format!("127.0.0.1:{port}")] { Ok(()) } else { Err(format!("host {hosts:?}")) }
    });
    MIK.case(&mut cases, "a body, both ways", || {
        let target = format!(
            "/run/up-port/?method=POST&url={}",
            escaped(&format!("http://127.0.0.1:{port}/echo"))
        );
        let body: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
        let answer = MIK.post(&target, &body).map_err(|stop| stop.to_string())?;
        if answer.body == body { Ok(()) } else { Err(answer.to_string()) }
    });
    MIK.case(&mut cases, "redirects are the guest's business", || {
        let answer = call("up-port", &format!("http://127.0.0.1:{port}/redirect"), "")?;
        let followed = ORIGIN.requests("/moved").len();
        if answer.status() == 302 && followed == 0 { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn upstreams_that_fail_are_errors_for_the_guest() {
    let port = ORIGIN.port();
    let mut cases = Cases::of("failing upstreams");
    for (name, path, more) in
        [("never answers", "/stall", "&first_byte_ms=300"), ("answers no HTTP", "/garbage", "")]
    {
        MIK.case(&mut cases, name, || {
            let started = Instant::now();
            let answer = call("up-port", &format!("http://127.0.0.1:{port}{path}"), more)?;
            let took = started.elapsed();
            if answer.status() != 502 || answer.kind().is_some() {
                return Err(answer.to_string());
            }
            if took < Duration::from_secs(3) { Ok(()) } else { Err(format!("after {took:?}")) }
        });
    }
    MIK.case(&mut cases, "nobody listens", || {
        let answer = call("up-other-port", "http://127.0.0.1:1/", "")?;
        let refused = answer.status() == 502 && answer.text().contains("Connection");
        if refused { Ok(()) } else { Err(answer.to_string()) }
    });
    MIK.case(&mut cases, "breaks off", || {
        let answer = call("up-port", &format!("http://127.0.0.1:{port}/half"), "")?;
        if answer.is_whole() { Err(format!("a clean end: {answer}")) } else { Ok(()) }
    });
    MIK.case(&mut cases, "a scheme that is none", || {
        let answer = call("up-port", &format!("ftp://127.0.0.1:{port}/"), "")?;
        if matches!(answer.status(), 400 | 502) { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn modules_call_each_other_as_deep_as_is_allowed() {
    let mut cases = Cases::of("calls inside");
    let get = |target: &str| MIK.get(target).map_err(|stop| stop.to_string());
    for depth in [0, 1, 7] {
        MIK.case(&mut cases, &format!("{depth} deep"), || {
            let answer = get(&format!("/run/recurse/?depth={depth}"))?;
            if answer.status() == 200 && answer.text() == "bottom\n" {
                Ok(())
            } else {
                Err(answer.to_string())
            }
        });
    }
    for depth in ["8", "20", "max"] {
        MIK.case(&mut cases, &format!("{depth} deep"), || {
            let answer = get(&format!("/run/recurse/?depth={depth}"))?;
            if answer.status() == 508 && answer.kind() == Some("loop") {
                Ok(())
            } else {
                Err(answer.to_string())
            }
        });
    }
    MIK.case(&mut cases, "a module that is named", || {
        let answer = call("up-internal", "http://hello.mik.internal/", "")?;
        if answer.text() == "Hello from mik!\n" { Ok(()) } else { Err(answer.to_string()) }
    });
    MIK.case(&mut cases, "one that is not named", || {
        denied(&call("up-internal", "http://recurse.mik.internal/", "")?)
    });
    MIK.case(&mut cases, "nothing allowed", || denied(&get("/run/lonely/?depth=1&name=lonely")?));
    MIK.case(&mut cases, "one that is not there", || {
        let answer = get("/run/recurse/?depth=1&name=nobody")?;
        if matches!(answer.status(), 404 | 502) { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn the_deadline_holds_for_calls_inside_too() {
    let config = "[modules.up]\ntimeout = \"1s\"\nallowed_hosts = [\"sleep.mik.internal\"]\n";
    let mik = Setup::new(&["hello", "sleep"]).guest("upstream", "up").config(config).start();
    let mut cases = Cases::of("deadline inside");
    mik.case(&mut cases, "the called one waits for ever", || {
        let started = Instant::now();
        let url = escaped("http://sleep.mik.internal/?for_ever=1");
        let answer = mik.get(&format!("/run/up/?url={url}")).map_err(|stop| stop.to_string())?;
        let took = started.elapsed();
        // The caller's own 504, or the guest's answer to the 504 that it got.
        if answer.status() != 502 {
            failed_with(&answer, 504, "timeout").or_else(|failure| match answer.status() {
                504 => Ok(()),
                _ => Err(failure),
            })?;
        }
        if took < Duration::from_secs(10) { Ok(()) } else { Err(format!("after {took:?}")) }
    });
    cases.finish();
}
