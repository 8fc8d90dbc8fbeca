//! The one way out of a guest.

use std::fmt;
use std::time::Duration;

use http::Uri;

use crate::framing::X_FORWARDED_PREFIX;
use crate::host::Host;
use crate::names::ModuleName;
use crate::{BoxFuture, Call, CallError, Request, Response, Target, UpstreamError};

/// The domain under which modules reach each other: `http://NAME.mik.internal/`.
const INTERNAL: &str = ".mik.internal";
/// The domain under which modules reach scripts: `http://NAME.script.mik.internal/`.
const SCRIPT: &str = ".script";

/// Times for one outgoing request. What is not set, or longer, is bound by the host's own limits and
/// by the call's deadline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// Until the connection stands, name resolution and TLS included.
    pub connect: Option<Duration>,
    /// From the request to the response head.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the response body.
    pub between_bytes: Option<Duration>,
}

/// Sends the requests of guests and scripts. It decides by authority: `*.mik.internal` is a call inside
/// this process, anything else goes through the allow-list, the address check and one pooled client.
#[derive(Clone)]
pub struct Caller(Option<Host>);

impl Caller {
    pub(crate) fn new(host: Host) -> Self {
        Self(Some(host))
    }

    /// A caller that reaches nothing.
    pub(crate) fn nowhere() -> Self {
        Self(None)
    }

    pub(crate) fn host(&self) -> Option<&Host> {
        self.0.as_ref()
    }

    pub(crate) fn send(
        &self,
        mut request: Request,
        call: &Call,
        options: SendOptions,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        let authority = shown(request.uri());
        let Some(host) = self.0.clone() else {
            return failed(UpstreamError::Denied(authority).into());
        };
        let call = call.clone();
        match internal_target(request.uri()) {
            Some(_) if !call.0.grants.allowed_hosts.allow(request.uri()) => {
                denied(&call, &authority);
                failed(UpstreamError::Denied(authority).into())
            }
            Some(Some(target)) => Box::pin(async move {
                // A module that hands its client's fields on was reached under a prefix; this one is not.
                request.headers_mut().remove(X_FORWARDED_PREFIX);
                host.call(target, request, &call).await
            }),
            Some(None) => failed(CallError::NotFound(format!("no module {authority}").into())),
            None if !call.0.grants.allowed_hosts.allow(request.uri()) => {
                denied(&call, &authority);
                failed(UpstreamError::Denied(authority).into())
            }
            None => Box::pin(async move {
                let result = host.send_upstream(request, &call, options).await;
                if let Err(CallError::Upstream(UpstreamError::Denied(authority))) = &result {
                    denied(&call, authority);
                }
                result
            }),
        }
    }
}

/// The module or script that `uri` names inside this process: `None` where it points outside,
/// `Some(None)` where no module can have that name.
fn internal_target(uri: &Uri) -> Option<Option<Target>> {
    // Host names are case-insensitive, and may end in the dot of the root (RFC 3986, 3.2.2).
    let host = uri.host()?.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host).strip_suffix(INTERNAL)?;
    Some(match name.strip_suffix(SCRIPT) {
        Some(script) => ModuleName::new(script).ok().map(Target::Script),
        None => ModuleName::new(name).ok().map(Target::Module),
    })
}

/// The authority as it may be logged: without what stands before an `@`.
fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// Logs the one line of `mik.toml` that would allow what was just denied.
fn denied(call: &Call, authority: &str) {
    let section = match &call.0.matched.target {
        Target::Module(name) => format!("[modules.{name}]"),
        Target::Script(name) => format!("[scripts.{name}]"),
        _ => return,
    };
    tracing::warn!(
        request_id = %call.0.request_id,
        "outgoing request denied; to allow it, write in mik.toml under {section}: \
         allowed_hosts = [\"{}\"]",
        authority.escape_debug(),
    );
}

fn failed(error: CallError) -> BoxFuture<'static, Result<Response, CallError>> {
    Box::pin(std::future::ready(Err(error)))
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("connected", &self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_below_mik_internal_stay_inside() {
        let target = |uri: &str| internal_target(&uri.parse().unwrap());
        let module = Target::Module(ModuleName::new("orders").unwrap());
        let script = Target::Script(ModuleName::new("checkout").unwrap());
        assert_eq!(target("http://orders.mik.internal/x"), Some(Some(module.clone())));
        assert_eq!(target("http://orders.mik.internal:80/x"), Some(Some(module)));
        assert_eq!(target("http://CHECKOUT.script.mik.internal./"), Some(Some(script.clone())));
        assert_eq!(target("http://checkout.script.mik.internal/"), Some(Some(script)));
        assert_eq!(target("http://-bad.mik.internal/"), Some(None));
        assert_eq!(target("http://mik.internal/"), None);
        assert_eq!(target("http://example.com/"), None);
    }
}
