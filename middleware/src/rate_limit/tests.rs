//! The limit around a real host, and the arithmetic against a model.

mod model;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use mik_core::values::{Count, Text, Time};
use mik_core::{
    Body, Call, CallError, ErrorKind, Grants, Middleware, Request, Response, Rings, SendOptions,
};
use tokio::time::advance;

use super::{LimitRing, RateLimit, RateLimitConfig};
use crate::rig::{Rig, Served, get, make, text};

const ONE_A_MINUTE: &str = "[middleware.rate-limit]\nrequests = 1\nper = \"1m\"\n";

fn limited(document: &str) -> Served {
    let rig = Rig::default().says("hello", "hello").says("other", "other");
    rig.made("rate-limit", document).build()
}

impl Served {
    async fn from(&self, peer: &str, request: Request) -> Response {
        self.host.serve(request, Some(format!("{peer}:1").parse().unwrap())).await
    }

    async fn statuses<const N: usize>(&self, target: &str) -> [u16; N] {
        let mut statuses = [0; N];
        for status in &mut statuses {
            *status = self.get(target).await.status().as_u16();
        }
        statuses
    }
}

fn with(target: &str, name: &'static str, value: &str) -> Request {
    let mut request = get(target);
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn one_more_than_the_burst_is_refused_until_the_time_it_is_told() {
    let served = limited("[middleware.rate-limit]\nrequests = 30\nper = \"1m\"\nburst = 3\n");
    for left in ["2", "1", "0"] {
        let response = served.get("/run/hello/").await;
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(field(headers, "ratelimit-policy"), "\"default\";q=30;w=60;mik-burst=3");
        assert_eq!(field(headers, "ratelimit"), format!("\"default\";r={left};t=2"));
        assert!(!headers.contains_key("retry-after"));
    }
    advance(Duration::from_millis(500)).await;
    let refused = served.get("/run/hello/").await;
    assert_eq!(refused.status(), 429);
    let headers = refused.headers();
    assert_eq!(field(headers, "retry-after"), "2", "1.5 s, rounded up");
    assert_eq!(field(headers, "ratelimit"), "\"default\";r=0;t=2");
    assert_eq!(field(headers, "ratelimit-policy"), "\"default\";q=30;w=60;mik-burst=3");
    assert_eq!(field(headers, "mik-error"), "rate-limited");
    assert_eq!(field(headers, "content-type"), "application/problem+json");
    assert_eq!(refused.extensions().get(), Some(&ErrorKind::RateLimited));
    assert!(text(refused).await.contains("urn:mik:error:rate-limited"));
    advance(Duration::from_millis(1_499)).await;
    assert_eq!(served.get("/run/hello/").await.status(), 429);
    advance(Duration::from_millis(1)).await;
    assert_eq!(served.statuses("/run/hello/").await, [200, 429]);
    // After a pause the whole burst is there again, and no more than that.
    advance(Duration::from_secs(3_600)).await;
    assert_eq!(served.statuses("/run/hello/").await, [200, 200, 200, 429]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_table_limits_each_client() {
    let served = limited("[middleware.rate-limit]\n");
    for _ in 0..100 {
        assert_eq!(served.get("/run/hello/").await.status(), 200);
    }
    let refused = served.get("/run/other/").await;
    assert_eq!(refused.status(), 429, "a client is limited over all modules");
    assert_eq!(field(refused.headers(), "ratelimit-policy"), "\"default\";q=100;w=1");
    assert_eq!(field(refused.headers(), "retry-after"), "1");
    assert_eq!(served.from("192.0.2.2", get("/run/hello/")).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn health_and_metrics_are_not_counted_and_what_is_not_there_is() {
    let served = limited(ONE_A_MINUTE);
    assert_eq!(served.statuses("/health").await, [200; 5]);
    let health = served.get("/health").await;
    assert!(!health.headers().contains_key("ratelimit"));
    assert_eq!(served.statuses("/nothing").await, [404, 429], "guesses count");
    assert_eq!(served.get("/health").await.status(), 200);
    let strict = limited(&format!("{ONE_A_MINUTE}exempt = [\"/run/hello/free/*\"]\n"));
    assert_eq!(strict.statuses("/health").await, [200, 429]);
    assert_eq!(strict.statuses("/run/hello/free/a").await, [200; 3]);
    assert_eq!(strict.get("/run/hello/free/../a").await.status(), 429);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
    let served = limited(ONE_A_MINUTE);
    for (peer, status) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("[::ffff:192.0.2.1]", 429),
        ("192.0.2.2", 200),
        ("[2001:db8:1:2::1]", 200),
        ("[2001:db8:1:2:ffff::9]", 429),
        ("[2001:db8:1:3::1]", 200),
    ] {
        assert_eq!(served.from(peer, get("/run/hello/")).await.status(), status, "{peer}");
    }
    let by_48 = limited(&format!("{ONE_A_MINUTE}ipv6_prefix = 48\n"));
    assert_eq!(by_48.from("[2001:db8:1:2::1]", get("/run/hello/")).await.status(), 200);
    assert_eq!(by_48.from("[2001:db8:1:3::1]", get("/run/hello/")).await.status(), 429);
    // Where there is no socket, there is one client.
    assert_eq!(served.host.serve(get("/run/hello/"), None).await.status(), 200);
    assert_eq!(served.host.serve(get("/run/hello/"), None).await.status(), 429);
}

#[tokio::test(start_paused = true)]
async fn forwarded_addresses_count_only_from_trusted_proxies() {
    let forged = |n: u8| with("/run/hello/", "x-forwarded-for", &format!("203.0.113.{n}"));
    let served = limited(ONE_A_MINUTE);
    assert_eq!(served.send(forged(1)).await.status(), 200);
    assert_eq!(served.send(forged(2)).await.status(), 429, "nobody is trusted");
    let served = limited(&format!("{ONE_A_MINUTE}trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n"));
    assert_eq!(served.send(forged(1)).await.status(), 200);
    assert_eq!(served.send(forged(2)).await.status(), 429, "the peer is not trusted");
    assert_eq!(served.from("10.0.0.1", forged(1)).await.status(), 200);
    assert_eq!(served.from("10.0.0.1", forged(2)).await.status(), 200);
    assert_eq!(served.from("[::1]", forged(2)).await.status(), 429, "by another proxy");
    let behind = with("/run/hello/", "x-forwarded-for", "1.2.3.4, 203.0.113.2, 10.0.0.2");
    assert_eq!(served.from("10.0.0.1", behind).await.status(), 429, "forged on the left");
    let standard = with("/run/hello/", "forwarded", "for=203.0.113.9");
    assert_eq!(served.from("10.0.0.1", standard).await.status(), 200);
    let standard = with("/run/hello/", "forwarded", "for=203.0.113.10");
    assert_eq!(served.from("10.0.0.1", standard).await.status(), 429, "not the header it reads");
}

#[tokio::test(start_paused = true)]
async fn a_key_may_be_a_header_a_route_a_module_or_several() {
    let by = |key: &str| limited(&format!("{ONE_A_MINUTE}key = {key}\n"));
    let header = by("\"header:x-api-key\"");
    for (value, status) in [("a", 200), ("a", 429), ("b", 200), ("A", 200), ("b", 429)] {
        let response = header.send(with("/run/hello/", "x-api-key", value)).await;
        assert_eq!(response.status(), status, "{value}");
    }
    assert_eq!(header.statuses("/run/hello/").await, [200, 429], "those without share one");
    let mut two = with("/run/hello/", "x-api-key", "a");
    two.headers_mut().append("x-api-key", "b".parse().unwrap());
    assert_eq!(header.send(two).await.status(), 200);

    let module = by("\"module\"");
    assert_eq!(module.statuses("/run/hello/a").await, [200, 429]);
    assert_eq!(module.statuses("/run/other/").await, [200, 429]);
    assert_eq!(module.from("192.0.2.2", get("/run/other/")).await.status(), 429);

    let route = by("[\"route\"]");
    assert_eq!(route.statuses("/run/hello/b").await, [200, 429]);
    assert_eq!(route.statuses("/run/other/").await, [200, 429]);

    let several = by("[\"client\", \"module\"]");
    assert_eq!(several.statuses("/run/hello/").await, [200, 429]);
    assert_eq!(several.statuses("/run/other/").await, [200, 429]);
    assert_eq!(several.from("192.0.2.2", get("/run/other/")).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_module_may_have_a_limit_of_its_own_or_none() {
    let served = limited(
        "[middleware.rate-limit]\nrequests = 2\nper = \"1m\"\n\
         [modules.hello.rate-limit]\nrequests = 1\n[modules.free.rate-limit]\nenabled = false\n",
    );
    let response = served.get("/run/hello/").await;
    assert_eq!(field(response.headers(), "ratelimit-policy"), "\"hello\";q=1;w=60");
    assert_eq!(field(response.headers(), "ratelimit"), "\"hello\";r=0;t=60");
    assert_eq!(served.statuses("/run/hello/").await, [429]);
    assert_eq!(served.statuses("/run/other/").await, [200, 200, 429]);

    let alone = limited("[modules.hello.rate-limit]\nrequests = 1\nper = \"1m\"\n");
    assert_eq!(alone.statuses("/run/hello/").await, [200, 429]);
    assert_eq!(alone.statuses("/run/other/").await, [200; 3]);
    assert!(!alone.get("/run/other/").await.headers().contains_key("ratelimit"));
}

#[tokio::test(start_paused = true)]
async fn in_the_call_ring_nested_calls_count_and_errors_are_typed() {
    let calls_hello = |_, call: Call| async move {
        let allowed_hosts = ["*.mik.internal".parse().unwrap()].into_iter().collect();
        let call = call.with_grants(Arc::new(Grants { allowed_hosts, ..Grants::default() }));
        let inner = |call: Call| async move {
            call.send(get("http://hello.mik.internal/"), SendOptions::default()).await
        };
        assert_eq!(inner(call.clone()).await.unwrap().status(), 200);
        match inner(call).await {
            Err(CallError::RateLimited(wait)) => Ok(Response::new(Body::from(format!("{wait:?}")))),
            other => panic!("{other:?}"),
        }
    };
    let document = "[modules.hello.rate-limit]\nrequests = 1\nper = \"1m\"\nring = \"call\"\n\
                    trusted_proxies = [\"10.0.0.0/8\"]\n";
    let rig = Rig::default().says("hello", "hello").module("caller", calls_hello);
    let served = rig.made("rate-limit", document).build();
    let response = served.get("/run/caller/").await;
    assert!(!response.headers().contains_key("ratelimit"), "only at the edge");
    assert_eq!(text(response).await, "60s");
    let refused = served.get("/run/hello/").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(field(refused.headers(), "retry-after"), "60");
    // The client behind a proxy is known to nested calls, which do not carry its headers.
    for client in ["203.0.113.1", "203.0.113.2"] {
        let request = with("/run/caller/", "x-forwarded-for", client);
        assert_eq!(text(served.from("10.0.0.1", request).await).await, "60s", "{client}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_can_be_kept_back() {
    let served = limited(&format!("{ONE_A_MINUTE}headers = false\n"));
    for status in [200, 429] {
        let response = served.get("/run/hello/").await;
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
        assert!(!response.headers().contains_key("ratelimit"));
        assert!(!response.headers().contains_key("ratelimit-policy"));
        assert_eq!(response.headers().contains_key("retry-after"), status == 429);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handlers_own_fields_stay() {
    let rig = Rig::default().module("hello", |_, _| async {
        let response = http::Response::builder().header("ratelimit", "\"daily\";r=5;t=9");
        Ok(response.body(Body::empty()).unwrap())
    });
    let served = rig.made("rate-limit", ONE_A_MINUTE).build();
    let response = served.get("/run/hello/").await;
    let values: Vec<_> = response.headers().get_all("ratelimit").iter().collect();
    assert_eq!(values, ["\"daily\";r=5;t=9", "\"default\";r=0;t=60"]);
}

#[test]
fn a_wrong_table_is_refused_with_what_to_do() {
    for (table, message) in [
        ("requests = 0", "a whole number from 1 to 1000000"),
        ("per = \"500ms\"", "a time from 1s to 24h"),
        ("per = \"1500ms\"", "`per` must be whole seconds"),
        ("requests = 1\nper = \"24h\"\nburst = 31", "lower `burst`, or raise `requests`"),
        ("key = \"clent\"", "\"clent\" is no key of requests: expected \"client\", \"route\""),
        ("key = \"header:\"", "is no key of requests"),
        ("key = [\"client\", \"header:a b\"]", "is no key of requests"),
        ("key = []", "or a list of them"),
        ("key = 5", "or a list of them"),
        ("ring = \"upstream\"", "expected `edge` or `call`"),
        ("trusted_proxies = [\"10.0.0.1/8\"]", "write \"10.0.0.0/8\""),
        ("trusted_proxies = [\"lb.internal\"]", "expected an address or a network"),
        ("forwarded_header = \"x-real-ip\"", "expected `x-forwarded-for` or `forwarded`"),
        ("exempt = [\"run/hello\"]", "neither an endpoint nor a path"),
        ("max_keys = 0", "a whole number from 1 to"),
        ("ipv6_prefix = 129", "a whole number from 16 to 128"),
        ("request = 5", "unknown field `request`"),
    ] {
        let error = make("rate-limit", &format!("[middleware.rate-limit]\n{table}\n")).err();
        let error = error.unwrap_or_else(|| panic!("{table} is taken"));
        assert!(error.contains(message), "{table}: {error}");
    }
    let document = "[middleware.rate-limit]\ntrusted_proxies = [\"::1\"]\n\
                    [modules.a.rate-limit]\ntrusted_proxies = []\n";
    let error = make("rate-limit", document).err().unwrap();
    assert!(error.contains("must be the same for all modules"), "{error}");
    let document = "[modules.a.rate-limit]\nper = \"1500ms\"\n";
    let error = make("rate-limit", document).err().unwrap();
    assert!(error.starts_with("for module a: `per` must be whole seconds"), "{error}");
}

#[test]
fn what_a_program_sets_is_checked_too() {
    let zero = [
        RateLimitConfig { requests: Count::new(0), ..RateLimitConfig::default() },
        RateLimitConfig { burst: Some(Count::new(0)), ..RateLimitConfig::default() },
        RateLimitConfig { per: Time::new(Duration::ZERO), ..RateLimitConfig::default() },
    ];
    for config in zero {
        assert!(RateLimit::new(config.clone()).is_err(), "{config:?}");
    }
    let key = "client, header:x-api-key".parse().unwrap();
    let trusted_proxies = vec![Text("10.0.0.0/8".parse().unwrap())];
    let config = RateLimitConfig { key, trusted_proxies, ..RateLimitConfig::default() };
    assert_eq!(RateLimit::new(config).unwrap().rings(), Rings::EDGE);
    let config = RateLimitConfig { ring: LimitRing::Call, ..RateLimitConfig::default() };
    assert_eq!(RateLimit::new(config).unwrap().rings(), Rings::CALL);
}
