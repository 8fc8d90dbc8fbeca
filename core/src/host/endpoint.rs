//! The innermost step of each ring.

use std::sync::Arc;

use super::{forward, health};
use crate::middleware::Endpoint;
use crate::server::BodyFault;
use crate::{CallError, Target};

/// What the edge ring stands around: the target of the request, or the error that was decided before.
pub(super) fn edge() -> Endpoint {
    Arc::new(|mut request, call| {
        Box::pin(async move {
            if let Some(error) = call.refused {
                return Err(Arc::unwrap_or_clone(error));
            }
            let Some(host) = call.caller.host().cloned() else {
                return Err(CallError::NotFound("no host".into()));
            };
            match &call.matched.target {
                Target::Builtin(health::NAME) => health::answer(&host, &request),
                _ if host.is_draining() => Err(CallError::Draining),
                Target::Module(_) | Target::Script(_) => {
                    forward::strip_prefix(&mut request, &call.matched)?;
                    host.call(call.matched.target.clone(), request, &call).await
                }
                Target::Builtin(_) | Target::Nothing => {
                    Err(CallError::NotFound("no route for this path".into()))
                }
            }
        })
    })
}

/// What the call ring stands around: the module or script itself.
pub(super) fn call() -> Endpoint {
    Arc::new(|mut request, call| {
        Box::pin(async move {
            let Some(ticket) = call.ticket.clone() else {
                return Err(CallError::NotFound("not a call".into()));
            };
            let handler = ticket.entry().ready(ticket.catalogue(), call.deadline).await?;
            forward::clean_request(&mut request);
            let method = request.method().clone();
            let fault = request.extensions().get::<BodyFault>().cloned();
            let result = handler.call(request, call).await;
            // A guest may take a request body that broke off for a short one. What it says is not an
            // answer to the request that was meant.
            if let Some(error) = fault.and_then(|fault| fault.error()) {
                return Err(error);
            }
            forward::clean_response(result?, &method)
        })
    })
}
