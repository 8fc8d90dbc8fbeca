use mik_core::{Body, Grants, ModuleSettings, Response, SendOptions};

use super::*;
use crate::rig::{Rig, Served, get, text};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A host whose module says what it sees of the trace, and one that calls it with a `traceparent` of its
/// own, which its query names.
fn serving(document: &str) -> Served {
    Rig::default()
        .module("seen", |request, _| async move {
            let all = |name| {
                let values = request.headers().get_all(name).iter();
                values.map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join("+")
            };
            let seen = format!("{}|{}", all("traceparent"), all("tracestate"));
            Ok(Response::new(Body::from(seen)))
        })
        .module("nested", |request: Request, call: Call| async move {
            let mut nested = get("http://seen.mik.internal/");
            if let Some(own) = request.uri().query() {
                nested.headers_mut().insert(TRACEPARENT, HeaderValue::from_str(own).unwrap());
            }
            call.send(nested, SendOptions::default()).await
        })
        .made("trace", document)
        .build_with(|builder| {
            let allowed_hosts = ["*.mik.internal".parse().unwrap()].into_iter().collect();
            let grants = Grants { allowed_hosts, ..Grants::default() };
            builder.module_defaults(ModuleSettings {
                grants: grants.into(),
                ..ModuleSettings::default()
            })
        })
}

/// What the guest saw of `traceparent` and `tracestate`, and what the response told.
async fn ask(with: &Served, target: &str, headers: &[(&'static str, &str)]) -> [String; 3] {
    let mut request = get(target);
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
    }
    let response = with.send(request).await;
    assert_eq!(response.status(), 200);
    let told = response.headers()[TRACERESPONSE].to_str().unwrap().to_owned();
    let seen = text(response).await;
    let (parent, state) = seen.split_once('|').unwrap();
    [parent.to_owned(), state.to_owned(), told]
}

#[tokio::test]
async fn a_trace_is_continued_as_it_is() {
    let with = serving("");
    let headers = [("traceparent", GIVEN), ("tracestate", "a=1"), ("tracestate", "b=2")];
    for target in ["/run/seen", "/run/nested"] {
        assert_eq!(ask(&with, target, &headers).await, [GIVEN, "a=1,b=2", GIVEN], "{target}");
    }
}

#[tokio::test]
async fn what_is_no_trace_starts_a_new_one_and_the_request_is_served() {
    let with = serving("");
    let members = (0..33).map(|i| format!("k{i}=1")).collect::<Vec<_>>().join(",");
    let upper = GIVEN.to_uppercase();
    let cases: [&[(&'static str, &str)]; 7] = [
        &[],
        &[("traceparent", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")],
        &[("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01")],
        &[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")],
        &[("traceparent", &upper)],
        &[("traceparent", GIVEN), ("traceparent", GIVEN)],
        &[("traceparent", GIVEN), ("tracestate", &members)],
    ];
    for headers in cases {
        let [parent, state, told] = ask(&with, "/run/seen", headers).await;
        assert_eq!(parent.len(), 55, "{headers:?}: {parent}");
        assert!(!parent.contains(TRACE), "{headers:?}: {parent}");
        assert_eq!((state.as_str(), &told), ("", &parent), "{headers:?}");
    }
}

#[tokio::test]
async fn an_invalid_state_is_left_out_and_the_trace_goes_on() {
    let with = serving("");
    let headers = [("traceparent", GIVEN), ("tracestate", "A=1")];
    assert_eq!(ask(&with, "/run/seen", &headers).await, [GIVEN, "", GIVEN]);
}

#[tokio::test]
async fn a_guest_may_continue_the_trace_but_not_leave_it() {
    let with = serving("");
    let headers = [("traceparent", GIVEN)];
    let own = format!("00-{TRACE}-1111111111111111-01");
    assert_eq!(ask(&with, &format!("/run/nested?{own}"), &headers).await[0], own);
    let other = "00-11111111111111111111111111111111-1111111111111111-01";
    assert_eq!(ask(&with, &format!("/run/nested?{other}"), &headers).await[0], GIVEN);
}

#[tokio::test]
async fn a_client_need_not_be_believed() {
    let with = serving("[middleware.trace]\ntrust = false\n");
    let [parent, ..] = ask(&with, "/run/seen", &[("traceparent", GIVEN)]).await;
    assert!(!parent.contains(TRACE), "{parent}");
}
