//! `[middleware.compression]`.

use mik_core::SettingsError;
use mik_core::values::{Count, GIB, Size, TIB, Text};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Coding, CompressionOptions, InflateLimits, Levels, MediaRange};

/// `[middleware.compression]`: responses are compressed as the client accepts it; on unless `enabled` is
/// false.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// Codings of responses, the preferred one first: "gzip", "br", "zstd". Where a client weighs them
    /// alike, their order decides. Without any, responses stay as they are.
    codings: Vec<Coding>,
    /// How hard each coding tries: larger levels are smaller responses and more work.
    level: Levels,
    /// Responses of known length below this stay as they are. Those that stream are always compressed.
    min_size: Size<0, GIB>,
    /// Media types that are compressed: "text/html", all of a kind as in "text/*", or all of a syntax as
    /// in "+json". Unless said otherwise: text, JSON, XML, SVG, JavaScript, WebAssembly and the like.
    types: Vec<Text<MediaRange>>,
    /// Unpacks request bodies that come as gzip, or in another coding of `codings`. Off, they pass as they
    /// are.
    inflate: bool,
    /// The most bytes that a request body may inflate to.
    max_inflated: Size<1, TIB>,
    /// How many times larger than it was sent a request body may become, once it is past 64KiB.
    max_ratio: Count<1, 100_000>,
}

impl Default for Table {
    fn default() -> Self {
        let CompressionOptions { codings, levels, min_size, types, .. } = Default::default();
        let limits = InflateLimits::default();
        Self {
            codings,
            level: levels,
            min_size: Size::new(min_size),
            types: types.into_iter().map(Text).collect(),
            inflate: false,
            max_inflated: Size::new(limits.max_inflated),
            max_ratio: Count::new(limits.max_ratio),
        }
    }
}

impl Table {
    pub(super) fn options(self) -> Result<CompressionOptions, SettingsError> {
        let twice = |(at, coding): (usize, &Coding)| self.codings[..at].contains(coding);
        if self.codings.iter().enumerate().any(twice) {
            return Err(SettingsError::new("name each of `codings` once").of_key("codings"));
        }
        Ok(CompressionOptions {
            codings: self.codings,
            levels: self.level,
            min_size: self.min_size.get(),
            types: self.types.into_iter().map(|Text(range)| range).collect(),
            inflate: self.inflate.then_some(InflateLimits {
                max_inflated: self.max_inflated.get(),
                max_ratio: self.max_ratio.get(),
            }),
        })
    }
}
