//! What plugins count, and what is counted about them.

use std::sync::{Arc, Mutex};

use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{
    Counter, Histogram, HistogramBuilder, InstrumentBuilder, InstrumentProvider, Meter,
    SyncInstrument,
};
use mik_core::{BoxFuture, Call, CallError, Middleware, Next, Request, Response, Rings};
use serde_json::json;

use super::{CPlugin, rust_plugin};
use crate::Plugin;
use crate::rig::{Rig, get};

/// A meter that notes what is recorded.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

struct Note {
    name: String,
    notes: Notes,
}

impl InstrumentProvider for Notes {
    fn u64_counter(&self, builder: InstrumentBuilder<'_, Counter<u64>>) -> Counter<u64> {
        Counter::new(Arc::new(Note { name: builder.name.into_owned(), notes: self.clone() }))
    }

    fn f64_histogram(&self, builder: HistogramBuilder<'_, Histogram<f64>>) -> Histogram<f64> {
        Histogram::new(Arc::new(Note { name: builder.name.into_owned(), notes: self.clone() }))
    }
}

impl<T: std::fmt::Display + Send + Sync> SyncInstrument<T> for Note {
    fn measure(&self, measurement: T, attributes: &[KeyValue]) {
        let attributes: Vec<_> =
            attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
        let line = format!("{} {measurement} {}", self.name, attributes.join(" "));
        self.notes.0.lock().unwrap().push(line.trim_end().to_owned());
    }
}

impl Middleware for Notes {
    fn name(&self) -> &str {
        "notes"
    }

    fn rings(&self) -> Rings {
        Rings::NONE
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        next.run(request, call)
    }

    fn meter(&self) -> Option<Meter> {
        Some(Meter::new(Arc::new(self.clone())))
    }
}

#[tokio::test]
async fn instruments_bear_the_name_of_their_plugin_and_are_bounded() {
    let notes = Notes::default();
    let plugin = CPlugin::new("checks.c", &[]).load().with_name("my-checks".to_owned());
    let served = Rig::default().with(notes.clone()).with(plugin).says("a", "").build();
    served.send(get("/run/a/")).await;
    let lines = notes.0.lock().unwrap();
    let own: Vec<_> = lines.iter().filter(|line| line.starts_with("mik.plugin.")).collect();
    assert_eq!(
        own[..3],
        [
            "mik.plugin.my_checks.seen 2",
            "mik.plugin.my_checks.seen 3",
            "mik.plugin.my_checks.size 0.5"
        ]
    );
    let mut names: Vec<_> =
        own.iter().filter_map(|line| line.split_once(' ').map(|(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 64, "{names:?}");
}

#[tokio::test]
async fn failures_are_counted_by_plugin_and_hook() {
    let notes = Notes::default();
    let plugin = Plugin::load(&rust_plugin("panics"), &json!({})).unwrap();
    let served = Rig::default().with(notes.clone()).with(plugin).says("a", "").build();
    served.send(get("/run/a/?request")).await;
    served.send(get("/run/a/?response")).await;
    served.send(get("/run/a/")).await;
    let lines = notes.0.lock().unwrap();
    let failures: Vec<_> =
        lines.iter().filter(|line| line.starts_with("mik.plugin.failures")).collect();
    assert_eq!(
        failures,
        [
            "mik.plugin.failures 1 mik.plugin=panics mik.hook=request_head",
            "mik.plugin.failures 1 mik.plugin=panics mik.hook=response_head"
        ]
    );
}
