//! The innermost step of each ring.

use std::borrow::Cow;
use std::sync::Arc;

use super::{forward, health, openapi};
use crate::middleware::{BarePrefix, Innermost};
use crate::server::BodyFault;
use crate::{CallError, ClientFault, Target, UpstreamError};

/// What the edge ring stands around: the target of the request, or the error that was decided before.
pub(super) fn edge() -> Innermost {
    Arc::new(|mut request, call| {
        Box::pin(async move {
            if let Some(error) = &call.0.refused {
                return Err(CallError::clone(error));
            }
            let Some(host) = call.0.caller.host().cloned() else {
                return Err(CallError::NotFound("no host".into()));
            };
            match &call.0.matched.target {
                Target::Builtin(health::NAME) => health::answer(&host, &request),
                target if host.is_draining() && !host.answers_while_draining(target) => {
                    Err(CallError::Draining)
                }
                Target::Builtin(openapi::NAME) => openapi::answer(&host, request).await,
                Target::Module(_) | Target::Script(_) => {
                    forward::strip_prefix(&mut request, &call.0.matched)?;
                    host.call(call.0.matched.target.clone(), request, &call).await
                }
                Target::Builtin(name) => match host.endpoint(name) {
                    Some(endpoint) => {
                        let path = request.uri().path();
                        if call.0.matched.prefix.as_ref().is_some_and(|prefix| prefix == path) {
                            request.extensions_mut().insert(BarePrefix);
                        }
                        forward::strip_prefix(&mut request, &call.0.matched)?;
                        (endpoint.handler)(request, call).await
                    }
                    None => Err(NO_ROUTE),
                },
                Target::Upstream(_) | Target::Nothing => Err(NO_ROUTE),
            }
        })
    })
}

const NO_ROUTE: CallError = CallError::NotFound(Cow::Borrowed("no route for this path"));

/// What the upstream ring stands around: the client that sends a request out.
pub(super) fn upstream() -> Innermost {
    Arc::new(|mut request, call| {
        Box::pin(async move {
            let Some(host) = call.0.caller.host() else {
                return Err(UpstreamError::Invalid("no host").into());
            };
            let options = request.extensions_mut().remove().unwrap_or_default();
            host.outbound().send(request, &call, options).await
        })
    })
}

/// What the call ring stands around: the module or script itself.
pub(super) fn call() -> Innermost {
    Arc::new(|request, call| {
        Box::pin(async move {
            let Some(ticket) = call.0.ticket.clone() else {
                return Err(CallError::NotFound("not a call".into()));
            };
            let handler = ticket.entry().ready(ticket.catalogue(), call.0.deadline).await?;
            let method = request.method().clone();
            let fault = request.extensions().get::<BodyFault>().cloned();
            let found = request.extensions().get::<ClientFault>().cloned();
            let result = handler.call(request, call).await;
            // A guest may take a request body that broke off for a short one. What it says is not an
            // answer to the request that was meant.
            let error = fault.and_then(|fault| fault.error());
            if let Some(error) = error.or_else(|| found.and_then(|fault| fault.error())) {
                return Err(error);
            }
            forward::clean_response(result?, &method)
        })
    })
}
