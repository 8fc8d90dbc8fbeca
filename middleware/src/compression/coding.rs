//! The content codings, and what encodes and decodes them.

use std::{fmt, io};

use async_compression::Level;
use async_compression::brotli::EncoderParams;
use async_compression::codecs::flate::params::FlateEncoderParams;
use async_compression::codecs::{
    BrotliDecoder, BrotliEncoder, DecodeV2, EncodeV2, GzipDecoder, GzipEncoder, ZstdDecoder,
    ZstdEncoder,
};
use async_compression::core::util::{PartialBuffer, WriteBuffer};
use async_compression::zstd::{CParameter, DParameter};
use mik_core::values::Count;
use schemars::JsonSchema;
use serde::Deserialize;

/// The window of what is encoded with br and zstd: 256 KiB, so that a response that takes its time holds
/// little memory.
const ENCODING_WINDOW: u32 = 18;
/// The largest window that is decoded: 8 MiB, which is also the most that zstd may have as a content
/// coding (RFC 9659).
const DECODING_WINDOW: u32 = 23;

/// A content coding of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// `gzip`: understood everywhere.
    Gzip,
    /// `br`, Brotli: the smallest text.
    Br,
    /// `zstd`: fast.
    Zstd,
}

/// How hard each coding tries to make a response small. The levels above these bounds are for files that
/// are compressed once and sent often: they take milliseconds and many megabytes for each response.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Levels {
    /// From 1, fast, to 9, small.
    pub gzip: Count<1, 9>,
    /// From 0, fast, to 6, small.
    pub br: Count<0, 6>,
    /// From 1, fast, to 6, small.
    pub zstd: Count<1, 6>,
}

impl Default for Levels {
    fn default() -> Self {
        Self { gzip: Count::new(5), br: Count::new(4), zstd: Count::new(3) }
    }
}

impl Coding {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Gzip, Self::Br, Self::Zstd];

    /// Its name in `content-encoding`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Br => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of that name, in any case.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        // RFC 9110, 8.4.1.3.
        let name = if name.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { name };
        Self::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.as_str().as_bytes()))
    }

    pub(super) fn encoder(self, levels: &Levels) -> Box<dyn EncodeV2 + Send> {
        let level = match self {
            Self::Gzip => levels.gzip.get(),
            Self::Br => levels.br.get(),
            Self::Zstd => levels.zstd.get(),
        };
        let level = i32::try_from(level).unwrap_or(i32::MAX);
        match self {
            Self::Gzip => {
                Box::new(Gzip(GzipEncoder::new(FlateEncoderParams::from(Level::Precise(level)))))
            }
            Self::Br => Box::new(BrotliEncoder::new(
                EncoderParams::default()
                    .quality(Level::Precise(level))
                    .window_size(ENCODING_WINDOW.cast_signed()),
            )),
            Self::Zstd => {
                let level = CParameter::quality(Level::Precise(level));
                let window = CParameter::window_log(ENCODING_WINDOW);
                Box::new(ZstdEncoder::new_with_params(level, &[window]))
            }
        }
    }

    pub(super) fn decoder(self) -> Box<dyn DecodeV2 + Send> {
        match self {
            Self::Gzip => Box::new(GzipDecoder::new()),
            Self::Br => Box::new(BrotliDecoder::new()),
            Self::Zstd => {
                let window = DParameter::window_log_max(DECODING_WINDOW);
                Box::new(ZstdDecoder::new_with_params(&[window]))
            }
        }
    }

    /// Whether what begins with this byte needs too large a window. The decoder of zstd knows its bound;
    /// that of br would go up to 1 GiB.
    pub(super) fn is_too_wide(self, first: u8) -> bool {
        self == Self::Br && brotli_window(first).is_none_or(|bits| bits > DECODING_WINDOW)
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// gzip whose flush leaves nothing behind. That of miniz only hands out what waits for space from before,
/// where there is any: what came since would stay inside.
struct Gzip(GzipEncoder);

impl EncodeV2 for Gzip {
    fn encode(
        &mut self,
        input: &mut PartialBuffer<&[u8]>,
        output: &mut WriteBuffer<'_>,
    ) -> io::Result<()> {
        self.0.encode(input, output)
    }

    fn flush(&mut self, output: &mut WriteBuffer<'_>) -> io::Result<bool> {
        // What waits goes first. Where nothing does, that is an error of no consequence.
        let _ = self.0.encode(&mut PartialBuffer::new(&[]), output);
        Ok(!output.has_no_spare_space() && self.0.flush(output)?)
    }

    fn finish(&mut self, output: &mut WriteBuffer<'_>) -> io::Result<bool> {
        self.0.finish(output)
    }
}

/// The window bits of a Brotli stream (RFC 7932, 9.1), which stand in its first byte. `None` for the
/// larger windows that are not of the RFC.
fn brotli_window(first: u8) -> Option<u32> {
    match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => Some(16),
        (_, bits @ 1.., _) => Some(17 + u32::from(bits)),
        (_, 0, 0) => Some(17),
        (_, 0, 1) => None,
        (_, 0, bits) => Some(8 + u32::from(bits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        for (name, coding) in [
            ("gzip", Some(Coding::Gzip)),
            ("GZip", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("br", Some(Coding::Br)),
            ("ZSTD", Some(Coding::Zstd)),
            ("deflate", None),
            ("gzip2", None),
            ("", None),
        ] {
            assert_eq!(Coding::named(name.as_bytes()), coding, "{name}");
        }
    }

    #[test]
    fn the_window_of_brotli_stands_in_its_first_byte() {
        // The table of RFC 7932, 9.1.
        for (first, bits) in [
            (0b0, 16),
            (0b000_0001, 17),
            (0b0011, 18),
            (0b0101, 19),
            (0b0111, 20),
            (0b1001, 21),
            (0b1011, 22),
            (0b1101, 23),
            (0b1111, 24),
            (0b010_0001, 10),
            (0b011_0001, 11),
            (0b111_0001, 15),
        ] {
            assert_eq!(brotli_window(first), Some(bits), "{first:b}");
            assert_eq!(Coding::Br.is_too_wide(first), bits > 23);
        }
        assert!(Coding::Br.is_too_wide(0b001_0001), "a large window");
        assert!(!Coding::Gzip.is_too_wide(0b001_0001));
    }
}
