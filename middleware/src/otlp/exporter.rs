//! What sends a batch of spans, on the thread of the batch processor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::{Builder, Runtime};

use super::client::{CollectorClient, Trouble};
use super::config::{InvalidOtlp, OtlpConfig};

/// The way to a collector, ready to be started.
pub(super) struct Prepared {
    exporter: OtlpExporter,
    trouble: Trouble,
}

/// Sends batches. That a collector is away is logged once, and so is that it is back.
#[derive(Debug)]
pub(super) struct Exporter {
    inner: OtlpExporter,
    trouble: Trouble,
    /// The processor's thread has none of its own, and none of the host's is to wait for a collector.
    runtime: Runtime,
    /// Spans that wait, or are being sent.
    waiting: Arc<AtomicUsize>,
    is_away: AtomicBool,
}

impl Prepared {
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, InvalidOtlp> {
        let trouble = Trouble::default();
        let client = CollectorClient::new(config.timeout, trouble.clone());
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = config.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        let mut builder = OtlpExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_timeout(config.timeout)
            .with_headers(headers.collect());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint.to_string());
        }
        let exporter = builder.build().map_err(|error| InvalidOtlp(error.to_string()))?;
        Ok(Self { exporter, trouble })
    }

    /// # Errors
    /// When the machine has nothing left for one more runtime.
    pub(super) fn start(self, waiting: Arc<AtomicUsize>) -> std::io::Result<Exporter> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let Self { exporter: inner, trouble } = self;
        Ok(Exporter { inner, trouble, runtime, waiting, is_away: AtomicBool::new(false) })
    }
}

impl Exporter {
    pub(super) fn tell(&self, result: &OTelSdkResult) {
        match result {
            Ok(()) if self.is_away.swap(false, Ordering::Relaxed) => {
                tracing::info!("the collector takes traces again");
            }
            Err(error) if !self.is_away.swap(true, Ordering::Relaxed) => {
                let reason = self.trouble.take().unwrap_or_else(|| error.to_string());
                tracing::warn!("traces are lost until the collector takes them: {reason}");
            }
            _ => {}
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.runtime.block_on(self.inner.export(batch));
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        self.tell(&result);
        // There is nobody else to tell.
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
