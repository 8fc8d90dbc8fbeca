//! Where spans go when they have ended: a bounded queue in front of a thread.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::config::{InvalidOtlp, OtlpConfig};
use super::exporter::Prepared;

/// Spans that may wait or be under way.
const QUEUE: usize = 2_048;
/// How long the end waits for the last spans.
const FLUSH: Duration = Duration::from_secs(2);

/// The way of spans to a collector.
pub(super) struct Sink {
    config: OtlpConfig,
    prepared: Mutex<Option<Prepared>>,
    running: OnceLock<Running>,
    waiting: Arc<AtomicUsize>,
    dropped: AtomicU64,
    is_full: AtomicBool,
}

/// The thread that sends; none where it could not be started.
struct Running(Option<BatchSpanProcessor>);

impl Sink {
    pub(super) fn new(config: OtlpConfig) -> Result<Arc<Self>, InvalidOtlp> {
        let prepared = Prepared::new(&config)?;
        Ok(Arc::new(Self {
            config,
            prepared: Mutex::new(Some(prepared)),
            running: OnceLock::new(),
            waiting: Arc::default(),
            dropped: AtomicU64::new(0),
            is_full: AtomicBool::new(false),
        }))
    }

    /// Whether it sends as `config` says.
    pub(super) fn is_for(&self, config: &OtlpConfig) -> bool {
        self.config.goes_like(config)
    }

    /// Starts the thread, once.
    pub(super) fn start(&self) {
        self.running.get_or_init(|| {
            let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(prepared) = prepared else { return Running(None) };
            match prepared.start(self.waiting.clone()) {
                Ok(exporter) => {
                    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
                    let mut processor = BatchSpanProcessor::new(exporter, config);
                    processor.set_resource(&self.resource());
                    Running(Some(processor))
                }
                Err(error) => {
                    tracing::error!("no traces are sent: {error}");
                    Running(None)
                }
            }
        });
    }

    /// Takes a span that has ended. It never waits: what does not fit is lost, and counted.
    pub(super) fn take(&self, span: SpanData) {
        let Some(Running(Some(processor))) = self.running.get() else { return };
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            if !self.is_full.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "spans are lost: the collector takes them too slowly; sample fewer of them"
                );
            }
            return;
        }
        processor.on_end(span);
    }

    /// Spans that were lost because too many waited.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn flush(&self) {
        if let Some(Running(Some(processor))) = self.running.get() {
            let _ = processor.force_flush();
        }
    }

    fn resource(&self) -> Resource {
        let resource = Resource::builder();
        let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
        match &self.config.service_name {
            Some(name) => resource.with_service_name(name.clone()).build(),
            None if named => resource.build(),
            None => resource.with_service_name("mik").build(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(processor) = self.0.take() else { return };
        let end = move || drop(processor.shutdown_with_timeout(FLUSH));
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            // Waiting elsewhere: this thread may have others to serve.
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(end),
            Ok(_) => drop(std::thread::spawn(end)),
            Err(_) => end(),
        }
    }
}
