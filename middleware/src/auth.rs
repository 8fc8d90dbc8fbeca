//! Who may come in: by bearer token or API key.

mod guard;
mod secrets;
mod sources;
mod values;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{Counter, Meter};
use mik_core::values::Text;
use mik_core::{
    BoxFuture, ByTarget, Call, CallError, Middleware, Next, Request, Response, Ring, Rings,
    Settings, SettingsError,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::exempt::{Exempt, Exemption};
use crate::label::label;
use crate::table::{Made, schema_of};
use guard::{Guard, Refusal};
use secrets::Secrets;
use sources::Sources;
use values::{KeyHeader, Realm};

/// Lets in only who brings a bearer token (RFC 6750) or an API key that is known here.
///
/// ```toml
/// [middleware.auth]
/// tokens = [{ env = "API_TOKEN" }, { file = "secrets/tokens" }]   # Authorization: Bearer …
/// keys = [{ env = "PARTNER_KEY" }]                                # X-Api-Key: …
/// open = ["health", "/run/shop/login"]
///
/// [modules.admin.auth]            # or for one module alone
/// tokens = [{ env = "ADMIN_TOKEN" }]
/// ```
///
/// ```
/// # let token = "t0ken";
/// let auth = mik_middleware::Auth::bearer([token])?;
/// # Ok::<_, mik_core::SettingsError>(())
/// ```
///
/// Secrets come from the environment or from files (one a line; empty lines and lines that start with `#`
/// are skipped; relative to `mik.toml`), never from `mik.toml` itself. They are read at the start and when
/// mik reloads, kept as digests only, and compared in constant time, each time with all of them. One right
/// credential is enough. Anything else, also two of a kind, is answered with 401 and a
/// `www-authenticate` that names what is asked for.
///
/// It stands at the edge and guards what clients send: each path but those in `open`, also paths where
/// nothing is. `/health` is open unless `open` says otherwise; `/metrics` is not, since it tells about
/// traffic, and Prometheus can send a token. Calls from module to module are not asked for credentials.
///
/// Guests do not see the credential: a bearer token in `authorization`, and the header of the API key, are
/// removed, also on open paths. With `forward = true` they stay.
#[derive(Debug)]
pub struct Auth {
    guards: ByTarget<Guard>,
    rejections: OnceLock<Counter<u64>>,
}

/// `[middleware.auth]`: bearer tokens and API keys that let a client in.
#[derive(Deserialize, JsonSchema)]
#[serde(default)]
struct Table {
    /// Bearer tokens: a list of { env = "NAME" } and { file = "PATH" }.
    tokens: Sources,
    /// API keys: a list of { env = "NAME" } and { file = "PATH" }.
    keys: Sources,
    /// The header that an API key comes in.
    header: Text<KeyHeader>,
    /// What the credentials are for; it is told to clients that have none.
    realm: Text<Realm>,
    /// Endpoints and paths that need no credentials.
    open: Vec<Text<Exemption>>,
    /// Whether guests see the credential.
    forward: bool,
    /// What does not belong here. It is told without its line, which may hold a secret.
    #[serde(flatten)]
    #[schemars(skip)]
    unknown: BTreeMap<String, IgnoredAny>,
}

/// The keys of the table.
const KEYS: &str = "`tokens`, `keys`, `header`, `realm`, `open` and `forward`";

impl Auth {
    /// Asks each client for one of these bearer tokens.
    ///
    /// # Errors
    /// When there is none, or one is empty, too long, or has characters that no header can carry.
    pub fn bearer<T: AsRef<str>>(
        tokens: impl IntoIterator<Item = T>,
    ) -> Result<Self, SettingsError> {
        let tokens = Secrets::given("a token", tokens)?;
        Ok(Self::of(ByTarget::all(Guard { tokens, ..Guard::default() })))
    }

    /// Asks each client for one of these keys in that header.
    ///
    /// # Errors
    /// When there is none, or one is empty, too long, or has characters that no header can carry; and
    /// where the header is none, or `authorization`.
    pub fn api_key<T: AsRef<str>>(
        header: &str,
        keys: impl IntoIterator<Item = T>,
    ) -> Result<Self, SettingsError> {
        let parsed: Result<KeyHeader, String> = header.parse();
        let KeyHeader(header) = parsed.map_err(SettingsError::new)?;
        let keys = Secrets::given("a key", keys)?;
        Ok(Self::of(ByTarget::all(Guard { keys, header, ..Guard::default() })))
    }

    fn of(guards: ByTarget<Guard>) -> Self {
        Self { guards, rejections: OnceLock::new() }
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let tables = settings.by_target::<Table>()?;
        let guard = |table: Table| table.guard(settings).map_err(SettingsError::private);
        Ok(Arc::new(Self::of(tables.try_map(guard)?)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn reject(&self, call: &Call, refusal: Refusal) {
        if let Some(rejections) = self.rejections.get() {
            let reason = KeyValue::new("mik.reason", refusal.name());
            rejections.add(1, &[label(&call.matched().target), reason]);
        }
    }
}

impl Table {
    fn guard(self, settings: &Settings) -> Result<Guard, SettingsError> {
        if let Some(key) = self.unknown.keys().next() {
            return Err(SettingsError::new(format!("unknown key `{key}`: the keys are {KEYS}")));
        }
        let guard = Guard {
            tokens: self.tokens.read("tokens", settings)?,
            keys: self.keys.read("keys", settings)?,
            header: self.header.0.0,
            realm: self.realm.0,
            open: Exempt::new(self.open),
            forward: self.forward,
        };
        if guard.tokens.is_empty() && guard.keys.is_empty() {
            return Err(SettingsError::new(
                "without credentials nobody could come in: write `tokens = [{ env = \"API_TOKEN\" }]` or \
                 `keys = [{ file = \"secrets/keys\" }]`",
            ));
        }
        Ok(guard)
    }
}

impl Middleware for Auth {
    fn name(&self) -> &str {
        "auth"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        mut request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        if call.is_refused() {
            return next.run(request, call);
        }
        let matched = call.matched();
        let Some(guard) = self.guards.of(&matched.target) else {
            return next.run(request, call);
        };
        let is_open = guard.open.holds(matched, request.uri().path());
        let verdict = if is_open { Ok(()) } else { guard.check(request.headers()) };
        let Err(refusal) = verdict else {
            guard.conceal(request.headers_mut());
            return next.run(request, call);
        };
        self.reject(&call, refusal);
        let error = CallError::Unauthorized(refusal.name());
        let answer = match next.ring() {
            Ring::Edge => {
                let mut response = error.into_response(call.request_id());
                guard.challenge(refusal, response.headers_mut());
                Ok(response)
            }
            _ => Err(error),
        };
        Box::pin(std::future::ready(answer))
    }

    fn instrument(&self, meter: &Meter) {
        let rejections = meter.u64_counter("mik.auth.rejections");
        let rejections = rejections.with_description("Requests without a right credential").build();
        // A host is built once; were it twice, the first meter would keep counting.
        let _ = self.rejections.set(rejections);
    }
}

impl Default for Table {
    fn default() -> Self {
        let Guard { header, realm, .. } = Guard::default();
        Self {
            tokens: Sources::default(),
            keys: Sources::default(),
            header: Text(KeyHeader(header)),
            realm: Text(realm),
            open: vec![Text(Exemption::Endpoint("health".to_owned()))],
            forward: false,
            unknown: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests;
