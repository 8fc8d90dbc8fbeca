//! A middleware of one's own: while a file exists, it answers every request with 503.
//!
//! ```toml
//! [middleware.maintenance]
//! file = "maintenance.on"      # relative to mik.toml; `touch` it to begin, remove it to end
//! retry_after = "5m"
//! except = ["/health"]
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use mik_core::values::{HOUR, SECOND, Time};
use mik_core::{
    Body, BoxFuture, Call, CallError, Middleware, Next, Registry, Request, Response, Rings,
    Settings, SettingsError,
};
use serde::Deserialize;

/// Makes the middleware known under the name of its table. Call it on the registry that a binary hands to
/// `mik::run_with`.
pub fn register(registry: &mut Registry) {
    registry
        .middleware("maintenance", Maintenance::from_settings)
        .origin("the crate mik-maintenance");
}

/// Answers 503 while a file exists.
#[derive(Debug, Clone)]
pub struct Maintenance {
    file: PathBuf,
    retry_after: HeaderValue,
    except: Vec<String>,
}

/// `[middleware.maintenance]`. Unknown keys and wrong values are told with their line in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    file: PathBuf,
    retry_after: Time<SECOND, { 24 * HOUR }>,
    except: Vec<String>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            file: "maintenance.on".into(),
            retry_after: Time::new(Duration::from_secs(60)),
            except: vec!["/health".into()],
        }
    }
}

impl Maintenance {
    fn from_settings(settings: &Settings) -> Result<Arc<dyn Middleware>, SettingsError> {
        let table: Table = settings.parse()?;
        if let Some(path) = table.except.iter().find(|path| !path.starts_with('/')) {
            return Err(SettingsError::new(format!("except: {path:?} does not start with \"/\"")));
        }
        Ok(Arc::new(Self {
            file: settings.resolve(&table.file),
            retry_after: table.retry_after.get().as_secs().into(),
            except: table.except,
        }))
    }

    fn is_open(&self, path: &str) -> bool {
        self.except.iter().any(|open| open == path) || !self.file.exists()
    }

    fn closed(&self) -> Response {
        let mut response = Response::new(Body::from("Back soon.\n"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, self.retry_after.clone());
        response
    }
}

impl Middleware for Maintenance {
    fn name(&self) -> &str {
        "maintenance"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        if self.is_open(request.uri().path()) {
            return next.run(request, call);
        }
        Box::pin(async move { Ok(self.closed()) })
    }
}
