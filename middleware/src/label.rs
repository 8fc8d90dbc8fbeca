//! How metrics tell targets apart.

use mik_core::Target;
use mik_core::opentelemetry::KeyValue;

/// The attribute that names `target`. Outgoing hosts share one: guests name them, without bound.
pub(crate) fn label(target: &Target) -> KeyValue {
    match target {
        Target::Module(name) => KeyValue::new("mik.module", name.to_string()),
        Target::Script(name) => KeyValue::new("mik.script", name.to_string()),
        Target::Builtin(name) => KeyValue::new("mik.builtin", *name),
        Target::Upstream(_) => KeyValue::new("mik.upstream", true),
        Target::Nothing => KeyValue::new("mik.module", ""),
    }
}
