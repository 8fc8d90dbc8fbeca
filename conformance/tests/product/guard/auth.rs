//! Who may come in: bearer tokens and API keys.

use std::sync::LazyLock;

use mik_conformance::{Cases, Mik, Setup, failed_with};

use super::{answer, has, number};

pub(super) static GUARDED: LazyLock<Mik> = LazyLock::new(|| {
    let config = "[modules.inspect.auth]\ntokens = [{ env = \"API_TOKEN\" }, { file = \"secrets/tokens\" }]\n\
                  keys = [{ file = \"secrets/keys\" }]\nopen = [\"/run/inspect/open/*\"]\nrealm = \"ours\"\n\
                  [modules.forward.auth]\nkeys = [{ file = \"secrets/keys\" }]\nforward = true\n\
                  [modules.upstream]\nallowed_hosts = [\"*.mik.internal\"]\n";
    Setup::new(&["hello", "inspect", "upstream"])
        .guest("inspect", "forward")
        .config(config)
        .env("API_TOKEN", "from-the-environment")
        .file("secrets/tokens", "# one a line\nfrom-a-file\n")
        .file("secrets/keys", "a-key\n")
        .start()
});

#[test]
fn only_who_brings_a_credential_comes_in() {
    let mut cases = Cases::of("auth");
    let bearer = |token: &str| format!("Bearer {token}");
    let (environment, file, wrong) =
        (bearer("from-the-environment"), bearer("from-a-file"), bearer("from-nowhere"));
    let key = ("x-api-key", "a-key");
    for (name, target, fields, status) in [
        (
            "a token of the environment",
            "/run/inspect/",
            &[("authorization", &*environment)][..],
            200,
        ),
        ("a token of a file", "/run/inspect/", &[("Authorization", &file)], 200),
        ("a key", "/run/inspect/", &[key], 200),
        (
            "the scheme in small letters",
            "/run/inspect/",
            &[("authorization", "bearer from-a-file")],
            200,
        ),
        (
            "a comment of the file",
            "/run/inspect/",
            &[("authorization", "Bearer # one a line")],
            401,
        ),
        ("nothing", "/run/inspect/", &[], 401),
        ("a wrong token", "/run/inspect/", &[("authorization", &wrong)], 401),
        ("a key as a token", "/run/inspect/", &[("authorization", "Bearer a-key")], 401),
        ("a wrong key", "/run/inspect/", &[("x-api-key", "a-ke")], 401),
        (
            "two headers",
            "/run/inspect/",
            &[("authorization", &file), ("authorization", &file)],
            401,
        ),
        ("two keys", "/run/inspect/", &[key, key], 401),
        ("an open path", "/run/inspect/open/a", &[], 200),
        ("a way out of an open path", "/run/inspect/open/../a", &[], 401),
        ("an encoded way out", "/run/inspect/open/%2e%2e/a", &[], 401),
        ("a module without a guard", "/run/hello/", &[], 200),
        ("health", "/health", &[], 200),
        ("metrics, guarded by no table", "/metrics", &[], 200),
        (
            "from module to module",
            "/run/upstream/?url=http%3A%2F%2Finspect.mik.internal%2F",
            &[],
            200,
        ),
    ] {
        GUARDED.case(&mut cases, name, || {
            let response = answer(&mut GUARDED.connect(), target, fields)?;
            if response.status() != status {
                return Err(format!("expected {status}, got {response}"));
            }
            if status == 401 {
                failed_with(&response, 401, "unauthorized")?;
            }
            Ok(())
        });
    }
    GUARDED.case(&mut cases, "what is asked for", || {
        let response = answer(&mut GUARDED.connect(), "/run/inspect/", &[])?;
        let asked: Vec<_> = response.head.fields.values("www-authenticate").collect();
        let expected = ["Bearer realm=\"ours\"", "ApiKey realm=\"ours\", header=\"x-api-key\""];
        if asked != expected {
            return Err(format!("{asked:?}"));
        }
        let response =
            answer(&mut GUARDED.connect(), "/run/inspect/", &[("authorization", &wrong)])?;
        has(&response, "www-authenticate", "Bearer realm=\"ours\", error=\"invalid_token\"")
    });
    GUARDED.case(&mut cases, "what guests see", || {
        for (target, seen) in [("/run/inspect/", false), ("/run/forward/", true)] {
            let response = answer(&mut GUARDED.connect(), target, &[key])?;
            if response.text().contains("a-key") != seen {
                return Err(format!("{target}: {}", response.text()));
            }
        }
        let response =
            answer(&mut GUARDED.connect(), "/run/inspect/", &[("authorization", &file)])?;
        if response.text().contains("from-a-file") { Err(response.text()) } else { Ok(()) }
    });
    GUARDED.case(&mut cases, "rejections are counted", || {
        let labels = ["mik_module=\"inspect\"", "mik_reason=\"wrong token\""];
        let before = number(&GUARDED, "mik_auth_rejections_total{", &labels);
        for _ in 0..3 {
            answer(&mut GUARDED.connect(), "/run/inspect/", &[("authorization", &wrong)])?;
        }
        let counted = number(&GUARDED, "mik_auth_rejections_total{", &labels) - before;
        if counted == 3 { Ok(()) } else { Err(format!("{counted} are counted")) }
    });
    let told = GUARDED.stderr() + &GUARDED.stdout() + &GUARDED.text("/metrics");
    for secret in ["from-the-environment", "from-a-file", "from-nowhere", "a-key"] {
        cases.check("nothing is told of secrets", !told.contains(secret), secret);
    }
    cases.finish();
}

#[test]
fn a_guard_over_all_leaves_health_open() {
    let config = "[middleware.auth]\ntokens = [{ env = \"API_TOKEN\" }]\n[modules.echo.auth]\nenabled = false\n";
    let mik = Setup::new(&["hello", "echo"]).config(config).env("API_TOKEN", "t0ken").start();
    let mut cases = Cases::of("auth over all");
    for (target, fields, status) in [
        ("/health", &[][..], 200),
        ("/metrics", &[], 401),
        ("/run/hello/", &[], 401),
        ("/nothing", &[], 401),
        ("/run/echo/", &[], 200),
        ("/metrics", &[("authorization", "Bearer t0ken")], 200),
        ("/run/hello/", &[("authorization", "Bearer t0ken")], 200),
        ("/nothing", &[("authorization", "Bearer t0ken")], 404),
    ] {
        let found = answer(&mut mik.connect(), target, fields).map(|response| response.status());
        cases.check(target, found == Ok(status), format!("{fields:?}: {found:?}"));
    }
    cases.finish();
}
