//! The id of a request: taken from the client or made, handed to guests, sent back.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use mik_core::{
    Call, Middleware, Request, RequestId, Ring, Rings, Settings, SettingsError, Step,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::table::{Made, schema_of};

/// Takes the request id that a client sends, or makes one; hands it to modules, scripts and upstream
/// servers; sends it back with the response.
///
/// An id of a client's is 1 to 128 of `A-Z a-z 0-9 - _ . ~ : / + = @`, sent once; anything else is replaced
/// by one made here, 32 random hexadecimal digits. The same id stands in the log and, as `instance`, in
/// problem documents.
///
/// ```toml
/// [middleware.request-id]
/// header = "x-request-id"
/// trust = false            # clients are not believed
/// ```
///
/// Ring: all. In Rust: `RequestIds::default()`.
#[derive(Debug, Clone)]
pub struct RequestIds {
    header: HeaderName,
    trust: bool,
}

/// `[middleware.request-id]`: the id of each request, in its headers and in those of the response.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// The header field that carries the id.
    header: String,
    /// Whether an id that a client sends is taken over.
    trust: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { header: "x-request-id".into(), trust: true }
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { header: HeaderName::from_static("x-request-id"), trust: true }
    }
}

impl RequestIds {
    /// Carries ids in `header`; with `trust`, those of clients are taken over.
    pub fn new(header: HeaderName, trust: bool) -> Self {
        Self { header, trust }
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let Table { header, trust } = settings.parse()?;
        let header = HeaderName::try_from(&header).map_err(|_| {
            let message =
                format!("{header:?} is not the name of a header field, such as \"x-request-id\"");
            SettingsError::new(message).of_key("header")
        })?;
        Ok(Arc::new(Self { header, trust }))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    /// The id that the client sent, if there is one and it may be believed.
    fn given(&self, headers: &HeaderMap) -> Option<RequestId> {
        let mut values = headers.get_all(&self.header).iter();
        match (values.next(), values.next()) {
            (Some(value), None) if self.trust => RequestId::from_client(value.to_str().ok()?),
            _ => None,
        }
    }
}

impl Middleware for RequestIds {
    fn name(&self) -> &str {
        "request-id"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE | Rings::CALL | Rings::UPSTREAM
    }

    fn begin<'a>(&'a self, ring: Ring, request: &mut Request, call: &mut Call) -> Step<'a> {
        match ring {
            // The edge has set it already.
            Ring::Call if call.depth() == 1 => Step::Pass,
            Ring::Call | Ring::Upstream => {
                request.headers_mut().insert(&self.header, call.request_id().to_header());
                Step::Pass
            }
            Ring::Edge => {
                if let Some(id) = self.given(request.headers()) {
                    call.set_request_id(id);
                }
                // Two values are cheaper than a clone: what is shared must be counted.
                let [value, told] = [call.request_id().to_header(), call.request_id().to_header()];
                request.headers_mut().insert(&self.header, value);
                Step::after(move |answer| {
                    if let Ok(response) = answer {
                        response.headers_mut().insert(&self.header, told);
                    }
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use mik_core::{Body, Response, SendOptions};

    use super::*;
    use crate::rig::{Rig, Served, get, make, text};

    /// A host whose module says which id it sees, and one that calls it.
    fn serving(document: &str) -> Served {
        Rig::default()
            .module("seen", |request, _| async move {
                let ids: Vec<_> = request.headers().get_all("x-request-id").iter().collect();
                Ok(Response::new(Body::from(format!("{ids:?}"))))
            })
            .module("nested", |_, call: Call| async move {
                let mut request = get("http://seen.mik.internal/");
                request.headers_mut().insert("x-request-id", HeaderValue::from_static("forged"));
                call.send(request, SendOptions::default()).await
            })
            .made("request-id", document)
            .build_with(|builder| {
                let allowed_hosts = ["*.mik.internal".parse().unwrap()].into_iter().collect();
                let grants = mik_core::Grants { allowed_hosts, ..Default::default() };
                builder.module_defaults(mik_core::ModuleSettings {
                    grants: grants.into(),
                    ..Default::default()
                })
            })
    }

    async fn ask(with: &Served, target: &str, ids: &[&str]) -> (String, String) {
        let mut request = get(target);
        for id in ids {
            request.headers_mut().append("x-request-id", HeaderValue::from_str(id).unwrap());
        }
        let response = with.send(request).await;
        let sent = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        (sent, text(response).await)
    }

    #[tokio::test]
    async fn the_id_of_a_client_is_kept_and_handed_on() {
        let with = serving("");
        for target in ["/run/seen", "/run/nested"] {
            let (sent, seen) = ask(&with, target, &["abc-1"]).await;
            assert_eq!(sent, "abc-1", "{target}");
            assert_eq!(seen, "[\"abc-1\"]", "{target}");
        }
    }

    #[tokio::test]
    async fn what_is_no_id_is_replaced() {
        let with = serving("");
        let long = "x".repeat(129);
        for ids in [&[][..], &["a b"], &["a\"b"], &[""], &[&long], &["a", "b"]] {
            let (sent, seen) = ask(&with, "/run/seen", ids).await;
            assert_eq!(sent.len(), 32, "{ids:?}");
            assert_eq!(seen, format!("[\"{sent}\"]"), "{ids:?}");
        }
    }

    #[tokio::test]
    async fn a_client_need_not_be_believed() {
        let with = serving("[middleware.request-id]\ntrust = false\n");
        assert_eq!(ask(&with, "/run/seen", &["abc"]).await.0.len(), 32);
    }

    #[tokio::test]
    async fn an_error_carries_the_id_as_well() {
        let with = serving("");
        let mut request = get("/nowhere");
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("abc"));
        let response = with.send(request).await;
        assert_eq!(response.headers()["x-request-id"], "abc");
        assert!(text(response).await.contains("\"instance\":\"abc\""));
    }

    #[test]
    fn its_header_must_be_one() {
        let error =
            make("request-id", "[middleware.request-id]\nheader = \"a b\"\n").err().unwrap();
        assert!(error.contains("not the name of a header field"), "{error}");
    }
}
