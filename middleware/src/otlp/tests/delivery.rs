//! How spans get to a collector, and what becomes of them where they do not.

use futures_util::FutureExt;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SpanExporter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::collector::Collector;
use super::*;
use crate::rig::make;

#[tokio::test]
async fn the_collector_is_sent_what_the_table_says() {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let table = format!(
        "[middleware.otlp]\nendpoint = \"{endpoint}\"\nservice_name = \"shop\"\n\
         headers = {{ x-token = \"t0ken\", x-path = {{ from = \"PATH\" }} }}\nrespond = false\n"
    );
    let host = Rig::default().made("otlp", &table).says("ok", "hello").build();
    let response = host.get("/run/ok").await;
    assert!(!response.headers().contains_key(TRACERESPONSE));
    let _ = text(response).await;
    // The last one to hold it sends what is left.
    let sink = SHARED.lock().unwrap().upgrade().unwrap();
    sink.flush();
    let request = &collector.requests()[0];
    assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/x-protobuf");
    assert_eq!(request.headers["x-token"], "t0ken");
    assert_eq!(request.headers["x-path"], std::env::var("PATH").unwrap());
    assert_eq!(collector.resource()["service.name"], "shop");
    // Read again, and the same: there is no second thread.
    let again = Rig::default().made("otlp", &table).says("ok", "hello").build();
    assert!(Arc::ptr_eq(&sink, &SHARED.lock().unwrap().upgrade().unwrap()));
    drop((host, again));
}

#[test]
fn what_waits_at_the_end_is_sent() {
    let collector = Collector::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let endpoint = Some(collector.endpoint().parse().unwrap());
    let otlp = Otlp::new(OtlpConfig { endpoint, ..OtlpConfig::default() }).unwrap();
    let host = Rig::default().with(otlp).says("ok", "hello").build();
    runtime.block_on(async move {
        let _ = text(host.get("/run/ok").await).await;
        drop(host);
    });
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Some(format!("http://{closed}/").parse().unwrap());
    let otlp = Otlp::new(OtlpConfig { endpoint, ..OtlpConfig::default() }).unwrap();
    let host = Rig::default().with(otlp.clone()).says("ok", "hello").build();
    let requests = 2 * 2_048;
    for _ in 0..requests {
        assert_eq!(text(host.get("/run/ok").await).await, "hello");
    }
    let lost = otlp.sink.dropped();
    assert!(lost > 0 && lost < 2 * requests, "{lost}");
}

#[test]
fn that_a_collector_is_away_is_logged_once_and_so_is_that_it_is_back() {
    #[derive(Clone, Default)]
    struct Levels(Arc<Mutex<Vec<tracing::Level>>>);

    impl<S: tracing::Subscriber> Layer<S> for Levels {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            if event.metadata().target().starts_with("mik_middleware") {
                self.0.lock().unwrap().push(*event.metadata().level());
            }
        }
    }

    let levels = Levels::default();
    let subscriber = tracing_subscriber::registry().with(levels.clone());
    let collector = Collector::start();
    let endpoint = Some(collector.endpoint().parse().unwrap());
    let config = OtlpConfig { endpoint, ..OtlpConfig::default() };
    let exporter = exporter::Prepared::new(&config).unwrap().start(Arc::default()).unwrap();
    let away = Err(OTelSdkError::InternalFailure("away".into()));
    tracing::subscriber::with_default(subscriber, || {
        exporter.export(Vec::new()).now_or_never().unwrap().unwrap();
        exporter.tell(&away);
        exporter.tell(&away);
        exporter.export(Vec::new()).now_or_never().unwrap().unwrap();
        exporter.export(Vec::new()).now_or_never().unwrap().unwrap();
    });
    assert_eq!(*levels.0.lock().unwrap(), [tracing::Level::WARN, tracing::Level::INFO]);
}

#[test]
fn a_table_that_makes_no_sense_is_refused() {
    for (table, told) in [
        ("endpoint = \"collector\"", "write an http or https URL"),
        ("endpoint = \"ftp://collector/\"", "write an http or https URL"),
        ("endpoint = \"http://a b/\"", "is no URL"),
        ("sample = 1.5", "write a number from 0 to 1"),
        ("sample = -0.1", "write a number from 0 to 1"),
        ("sample = nan", "write a number from 0 to 1"),
        ("headers = { \"a b\" = \"x\" }", "is no name of a field"),
        ("headers = { a = { from = \"MIK_NO_SUCH_VARIABLE\" } }", "no variable `MIK_NO_SUCH"),
        ("headers = { a = 5 }", "{ from = \"VARIABLE\" }"),
        ("timeout = \"1h\"", "a time from 100ms to 1m"),
        ("port = 4317", "unknown field `port`"),
    ] {
        let error = make("otlp", &format!("[middleware.otlp]\n{table}\n")).map(drop).unwrap_err();
        assert!(error.contains(told), "{table}: {error}");
    }
    let secret = make("otlp", "[middleware.otlp]\nheaders = { a = \"se\\ncret\" }\n").map(drop);
    let error = secret.unwrap_err();
    assert!(error.contains("headers.a") && !error.contains("cret"), "{error}");
}
