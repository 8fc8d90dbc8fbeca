//! The TLS configuration of outgoing requests.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// The configuration, made when the first `https` request needs it: reading the system's certificates
/// takes milliseconds that a host without such requests should not spend. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Tls {
    made: Arc<OnceCell<Arc<ClientConfig>>>,
    make: Make,
}

/// Makes a configuration or says why it cannot. It may block.
type Make = fn() -> Result<ClientConfig, String>;

impl Tls {
    pub(super) fn new(make: Make) -> Self {
        Self { made: Arc::default(), make }
    }

    /// The configuration. One that could not be made is tried again at the next call.
    pub(super) async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let make = self.make;
        let made = self.made.get_or_try_init(|| async move {
            spawn_blocking(make).await.map_err(|error| error.to_string())?.map(Arc::new)
        });
        made.await.cloned()
    }
}

/// TLS 1.2 and 1.3 with ring, no client certificate, and the root certificates of the system, or those
/// that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
pub(super) fn system() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let reasons: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "no root certificates found; install the system's ca-certificates or set SSL_CERT_FILE {}",
            reasons.join("; ")
        )
        .trim_end()
        .into());
    }
    with_roots(roots)
}

/// The configuration that trusts `roots`.
pub(super) fn with_roots(roots: RootCertStore) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
