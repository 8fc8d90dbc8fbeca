//! `mik schema`: the JSON Schema of `mik.toml`.

use crate::config;
use crate::output::print;

pub(super) fn schema() {
    print(format_args!("{:#}", config::schema()));
}
