//! The page that Prometheus reads.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use mik_core::opentelemetry::metrics::{Meter, MeterProvider};
use mik_core::{Body, CallError, Request, Response};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
use prometheus::{Registry, TextEncoder};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// Series that an instrument by route, module or script may have. What would be one more is counted in a
/// series with the label `otel_metric_overflow`.
pub(super) const SERIES: usize = 4_000;

/// The instruments that have a series for each route, module or script.
const LARGE: [&str; 5] = [
    "http.server.request.duration",
    "mik.module.call.duration",
    "mik.script.call.duration",
    "mik.script.calls",
    "mik.rejections",
];

/// Where all instruments report to, and what is shown of them.
pub(super) struct Page {
    registry: Registry,
    meter: Meter,
    /// Held as long as the instruments are to count.
    _provider: SdkMeterProvider,
    /// Held by whoever reads the page: however many ask, one thread is busy with it.
    turn: Arc<Mutex<()>>,
}

impl Page {
    pub(super) fn new() -> Self {
        let registry = Registry::new();
        // There is one scope, and what it runs on is known to whoever reads the page.
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .without_target_info()
            .build();
        let mut provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_view(room);
        match reader {
            Ok(reader) => provider = provider.with_reader(reader),
            Err(error) => tracing::error!("there are no metrics: {error}"),
        }
        let provider = provider.build();
        let meter = provider.meter("mik");
        Self { registry, meter, _provider: provider, turn: Arc::default() }
    }

    /// The meter of everything on this page. There must be one only: instruments of the same name from
    /// two meters are two.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The page as it is now.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!("the page of metrics is not whole: {error}");
        }
        text
    }
}

/// Room for more series than the SDK grants by default.
fn room(instrument: &Instrument) -> Option<Stream> {
    let is_large = LARGE.contains(&instrument.name());
    is_large.then(|| Stream::builder().with_cardinality_limit(SERIES).build().ok())?
}

/// Answers a request for the page.
pub(super) async fn answer(page: Arc<Page>, request: Request) -> Result<Response, CallError> {
    CallError::unless_read(request.method())?;
    let turn = page.turn.clone().lock_owned().await;
    // Thousands of series take milliseconds. Who has left is read for to the end, before anybody else.
    let reading = move || {
        let _turn = turn;
        page.text()
    };
    let text = spawn_blocking(reading).await;
    let text = text.map_err(|error| CallError::Panic(format!("metrics: {error}").into()))?;
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    headers.insert(CONTENT_TYPE, format);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
