//! The head of a part.

use crate::headers::parameter;

/// What the header fields of a part say.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content_type: Option<String>,
}

impl Head {
    /// `None`: it is not a part of a form.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        let head = std::str::from_utf8(head).ok()?;
        // Blanks may follow the boundary, and nothing else.
        let (padding, head) = head.split_once("\r\n").unwrap_or((head, ""));
        if !padding.trim().is_empty() {
            return None;
        }
        let field = |name: &str| {
            head.split("\r\n").find_map(|line| {
                let (other, value) = line.split_once(':')?;
                other.trim().eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let disposition = field("content-disposition")?;
        let kind = disposition.split(';').next().unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        Some(Self {
            name: decoded(&parameter(disposition, "name")?),
            file_name: parameter(disposition, "filename").map(|name| decoded(&name)),
            content_type: field("content-type").map(str::to_owned),
        })
    }
}

/// A name as browsers write it: with quotes and line breaks, and only these, behind percent signs.
fn decoded(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}
