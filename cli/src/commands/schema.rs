//! `mik schema`: the JSON Schema of `mik.toml`.

use mik_core::Registry;

use crate::config;
use crate::output::print;

pub(super) fn schema(registry: &Registry) {
    print(format_args!("{:#}", config::schema(registry)));
}
