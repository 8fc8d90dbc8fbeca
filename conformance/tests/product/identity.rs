//! Request ids, trace context and the access log. Row 50.

use std::sync::LazyLock;

use mik_conformance::{Cases, Mik, Origin, PATIENCE, Response, Setup, eventually, same};

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = "[modules.upstream]\nallowed_hosts = [\"inspect.mik.internal\", \"localhost\"]\n";
    Setup::new(&["hello", "inspect", "upstream", "trap"]).config(config).start()
});

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The answer of a guest to a GET with these fields.
fn ask(target: &str, fields: &[(&str, &str)]) -> Result<Response, String> {
    let answer = MIK.connect().request("GET", target, fields, b"");
    let answer = answer.map_err(|stop| stop.to_string())?;
    match answer.status() {
        200 => Ok(answer),
        _ => Err(format!("not served: {answer}")),
    }
}

/// The values of a header that the guest `inspect` saw.
fn seen(answer: &Response, name: &str) -> Vec<String> {
    let json = answer.json();
    let fields = json["headers"].as_array().cloned().unwrap_or_default();
    let of_name = fields.iter().filter(|field| field[0] == name);
    of_name.filter_map(|field| field[1].as_str().map(ToOwned::to_owned)).collect()
}

#[test]
fn an_id_goes_from_the_client_to_guests_and_upstream_and_back() {
    let origin = Origin::start();
    let mut cases = Cases::of("request ids");
    MIK.case(&mut cases, "a guest sees it", || {
        let answer = ask("/run/inspect/", &[("x-request-id", "abc-1")])?;
        same("sent back", answer.field("x-request-id"), Some("abc-1"))?;
        same("seen", seen(&answer, "x-request-id"), vec!["abc-1".to_owned()])
    });
    MIK.case(&mut cases, "a nested call sees it", || {
        let target = "/run/upstream/?url=http%3A%2F%2Finspect.mik.internal%2F";
        let answer = ask(target, &[("x-request-id", "abc-2"), ("traceparent", PARENT)])?;
        same("seen", seen(&answer, "x-request-id"), vec!["abc-2".to_owned()])?;
        same("traced", seen(&answer, "traceparent"), vec![PARENT.to_owned()])
    });
    MIK.case(&mut cases, "an upstream server sees it", || {
        let target = format!("/run/upstream/?url=http%3A%2F%2Flocalhost:{}%2Fx", origin.port());
        ask(&target, &[("x-request-id", "abc-3"), ("traceparent", PARENT)])?;
        let requests = origin.requests("/x");
        let fields = &requests.last().ok_or("the origin saw nothing")?.fields;
        same("seen", fields.value("x-request-id"), Some("abc-3"))?;
        same("traced", fields.value("traceparent"), Some(PARENT))
    });
    for bad in ["a b", "a,b", "<script>", &"x".repeat(129)] {
        MIK.case(&mut cases, &format!("{:.10?} is replaced", bad), || {
            let answer = ask("/run/inspect/", &[("x-request-id", bad)])?;
            let id = answer.field("x-request-id").unwrap_or_default().to_owned();
            same("its length", id.len(), 32)?;
            same("seen", seen(&answer, "x-request-id"), vec![id])
        });
    }
    cases.finish();
}

#[test]
fn row_50_what_is_no_trace_context_starts_a_new_trace() {
    let members = (0..33).map(|i| format!("k{i}=1")).collect::<Vec<_>>().join(",");
    let upper = PARENT.to_uppercase();
    let cases_of: [(&str, Vec<(&str, &str)>); 8] = [
        ("none", vec![]),
        (
            "version ff",
            vec![("traceparent", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")],
        ),
        (
            "a zero trace",
            vec![("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01")],
        ),
        (
            "a zero parent",
            vec![("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")],
        ),
        ("upper case", vec![("traceparent", &upper)]),
        ("two", vec![("traceparent", PARENT), ("traceparent", PARENT)]),
        ("junk", vec![("traceparent", "\"><x>")]),
        ("33 members", vec![("traceparent", PARENT), ("tracestate", &members)]),
    ];
    let mut cases = Cases::of("row 50");
    for (name, fields) in cases_of {
        MIK.case(&mut cases, name, || {
            let answer = ask("/run/inspect/", &fields)?;
            let parents = seen(&answer, "traceparent");
            let [parent] = &parents[..] else { return Err(format!("the guest saw {parents:?}")) };
            same("its length", parent.len(), 55)?;
            if parent.contains("4bf92f35") {
                return Err(format!("the trace goes on: {parent}"));
            }
            same("told", answer.field("traceresponse"), Some(parent.as_str()))
        });
    }
    MIK.case(&mut cases, "a valid one goes on", || {
        let fields = [("traceparent", PARENT), ("tracestate", "a=1,b=2")];
        let answer = ask("/run/inspect/", &fields)?;
        same("parent", seen(&answer, "traceparent"), vec![PARENT.to_owned()])?;
        same("state", seen(&answer, "tracestate"), vec!["a=1,b=2".to_owned()])
    });
    cases.finish();
}

#[test]
fn a_line_says_who_answered_and_why_it_failed() {
    let line = |id: &str| {
        let is_it = |line: &&String| line.contains("mik::access") && line.contains(id);
        let found = || MIK.log().lines().iter().find(is_it).cloned();
        assert!(eventually(PATIENCE, || found().is_some()), "no line for {id}");
        serde_json::from_str::<serde_json::Value>(&found().unwrap()).unwrap()
    };
    let get = |target: &str, id: &str| {
        MIK.connect().request("GET", target, &[("x-request-id", id)], b"").unwrap();
    };
    get("/run/hello/a%20b?secret=1", "line-1");
    let served = line("line-1");
    for (key, value) in [
        ("method", "GET"),
        ("path", "/run/hello/a%20b"),
        ("route", "/run/hello/*"),
        ("module", "hello"),
        ("engine", "wasmtime"),
    ] {
        assert_eq!(served[key], value, "{served}");
    }
    assert_eq!((&served["status"], &served["bytes"]), (&200.into(), &16.into()), "{served}");
    assert!(served["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{served}");
    assert!(!served.to_string().contains("secret"), "{served}");
    get("/run/trap/?how=unreachable", "line-2");
    let failed = line("line-2");
    assert_eq!((&failed["status"], &failed["error"]), (&500.into(), &"trap".into()), "{failed}");
    let reason = failed["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("guest trapped"), "{failed}");
}
