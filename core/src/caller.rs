//! The one way out of a guest.

use std::fmt;
use std::time::Duration;

use http::Uri;
use tokio::time::timeout;

use crate::framing::X_FORWARDED_PREFIX;
use crate::host::Host;
use crate::names::ModuleName;
use crate::outbound::{Paced, is_sound};
use crate::{Body, BoxFuture, Call, CallError, Request, Response, Target, UpstreamError};

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
        let target = internal_target(request.uri());
        let target = target.map(|target| target.map(|target| host.spelt(target)));
        match target {
            Some(None) => failed(CallError::NotFound(format!("no module {authority}").into())),
            Some(Some(target)) if !call.0.grants.allow(request.uri(), &target) => {
                denied(&call, &authority, Some(&target));
                failed(UpstreamError::Denied(authority).into())
            }
            Some(Some(target)) => Box::pin(async move {
                // A module that hands its client's fields on was reached under a prefix; this one is not.
                request.headers_mut().remove(X_FORWARDED_PREFIX);
                within(host.call(target, request, &call), options).await
            }),
            None if !call.0.grants.allowed_hosts.allow(request.uri()) => {
                denied(&call, &authority, None);
                failed(UpstreamError::Denied(authority).into())
            }
            None => Box::pin(async move {
                let result = host.send_upstream(request, &call, options).await;
                if let Err(CallError::Upstream(UpstreamError::Denied(authority))) = &result {
                    denied(&call, authority, None);
                }
                result
            }),
        }
    }
}

/// What is answered inside this process, within the times that were asked for. There is no connection to wait for.
async fn within(
    answer: impl Future<Output = Result<Response, CallError>>,
    options: SendOptions,
) -> Result<Response, CallError> {
    let response = match options.first_byte {
        Some(limit) => {
            timeout(limit, answer).await.unwrap_or(Err(UpstreamError::ResponseTimeout.into()))?
        }
        None => answer.await?,
    };
    Ok(match options.between_bytes {
        Some(limit) => response.map(|body| Body::stream(Paced::new(body, limit, CallError::clone))),
        None => response,
    })
}

/// The module or script that `uri` names inside this process, as it is written there: `None` where it
/// points outside, `Some(None)` where no module can have that name.
fn internal_target(uri: &Uri) -> Option<Option<Target>> {
    let host = uri.host()?;
    // A host may end in the dot of the root (RFC 3986, 3.2.2).
    let name = strip_domain(host.strip_suffix('.').unwrap_or(host), INTERNAL)?;
    Some(match strip_domain(name, SCRIPT) {
        Some(script) => ModuleName::new(script).ok().map(Target::Script),
        None => ModuleName::new(name).ok().map(Target::Module),
    })
}

/// What stands before `domain`, whose case does not matter.
fn strip_domain<'a>(host: &'a str, domain: &str) -> Option<&'a str> {
    let (name, end) = host.split_at_checked(host.len().checked_sub(domain.len())?)?;
    end.eq_ignore_ascii_case(domain).then_some(name)
}

/// Where the module `name` is reached; `None` for names that cannot be part of a host, or that are those
/// of scripts.
pub(crate) fn uri_of_module(name: &str) -> Option<Uri> {
    let uri = format!("http://{name}{INTERNAL}/").parse().ok()?;
    let is_it =
        matches!(internal_target(&uri), Some(Some(Target::Module(own))) if own.as_str() == name);
    (is_it && is_sound(&uri)).then_some(uri)
}

/// The authority as it may be logged: without what stands before an `@`.
fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// Logs what in `mik.toml` would allow what was just denied: requests to `authority`, where `target`
/// answers if it is in this process.
fn denied(call: &Call, authority: &str, target: Option<&Target>) {
    let authority = authority.escape_debug();
    let advice = match (&call.0.matched.target, target) {
        (Target::Module(name), _) => format!(
            "to allow it, write in mik.toml under [modules.{name}]: allowed_hosts = [\"{authority}\"]"
        ),
        (Target::Script(name), Some(Target::Module(module))) => {
            format!("to allow it, add \"{module}\" to `modules` under [scripts.{name}] of mik.toml")
        }
        (Target::Script(name), _) => {
            format!("{authority} is no module, and the script {name} may call modules only")
        }
        _ => return,
    };
    tracing::warn!(request_id = %call.0.request_id, "outgoing request denied; {advice}");
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
        assert_eq!(target("http://checkout.SCRIPT.mik.INTERNAL./"), Some(Some(script.clone())));
        assert_eq!(target("http://checkout.script.mik.internal/"), Some(Some(script)));
        assert_eq!(target("http://-bad.mik.internal/"), Some(None));
        assert_eq!(target("http://mik.internal/"), None);
        assert_eq!(target("http://example.com/"), None);
    }
}
