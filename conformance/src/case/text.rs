//! Texts with `${…}` in them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A text as it stands in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text(pub(crate) String);

/// What the `${…}` of a text stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filled {
    /// `${host}`.
    pub(crate) host: String,
    /// `${origin}`.
    pub(crate) origin: String,
    /// `${project}`.
    pub(crate) project: String,
    /// `${n}`.
    pub(crate) n: usize,
    /// What steps have kept, by the name that they gave it.
    pub(crate) kept: BTreeMap<String, String>,
}

impl Text {
    /// The bytes that it stands for, as they are.
    ///
    /// # Errors
    /// The name of what stands for nothing.
    pub(crate) fn bytes(&self, with: &Filled) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                out.extend_from_slice(before.as_bytes());
                out.extend_from_slice(b"${");
                rest = &from[2..];
                continue;
            }
            out.extend_from_slice(before.as_bytes());
            let end = closing(from).ok_or_else(|| format!("no `}}` after {from:?}"))?;
            let name = &from[2..end];
            with.write(name, &mut out)?;
            rest = &from[end + 1..];
        }
        out.extend_from_slice(rest.as_bytes());
        Ok(out)
    }

    /// The same where bytes that are no UTF-8 do not occur.
    ///
    /// # Errors
    /// As [`Text::bytes`].
    pub(crate) fn text(&self, with: &Filled) -> Result<String, String> {
        self.bytes(with).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What is sent: a line end is CRLF.
    ///
    /// # Errors
    /// As [`Text::bytes`].
    pub(crate) fn wire(&self, with: &Filled) -> Result<Vec<u8>, String> {
        Self(self.0.replace("\r\n", "\n").replace('\n', "\r\n")).bytes(with)
    }
}

impl Filled {
    fn write(&self, name: &str, out: &mut Vec<u8>) -> Result<(), String> {
        if let Some((text, times)) = name.rsplit_once('*') {
            let times: usize = times.parse().map_err(|_| format!("${{{name}}}: how often?"))?;
            let is_name = text == "lf" || text == "cr" || hexadecimal(text).is_some();
            let text = if is_name { format!("${{{text}}}") } else { text.to_owned() };
            if !text.contains("${n}") {
                out.extend(Text(text).bytes(self)?.repeat(times));
                return Ok(());
            }
            // `${n}` within counts the repetitions.
            for n in 1..=times {
                out.extend(Text(text.clone()).bytes(&Self { n, ..self.clone() })?);
            }
            return Ok(());
        }
        if let Some(byte) = hexadecimal(name) {
            out.push(byte);
            return Ok(());
        }
        if let Some(value) = self.kept.get(name) {
            out.extend_from_slice(value.as_bytes());
            return Ok(());
        }
        let n = self.n.to_string();
        out.extend_from_slice(match name {
            "lf" => b"\n",
            "cr" => b"\r",
            "n" => n.as_bytes(),
            "host" => self.host.as_bytes(),
            "port" => self.host.rsplit(':').next().unwrap_or_default().as_bytes(),
            "origin" => self.origin.as_bytes(),
            "origin_port" => self.origin.rsplit(':').next().unwrap_or_default().as_bytes(),
            "project" => self.project.as_bytes(),
            _ => {
                return Err(format!(
                    "${{{name}}} stands for nothing: there are ${{lf}} ${{cr}} ${{x00}} ${{a*8000}} ${{n}} ${{host}} \
                     ${{port}} ${{origin}} ${{project}}, what steps `keep`, and ${{each}} where there is `each`"
                ));
            }
        });
        Ok(())
    }
}

/// Where the `}` of the `${` at the start of the text stands.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    let mut at = 2;
    while let Some(rest) = text.get(at..) {
        match rest.find('}') {
            None => return None,
            Some(end) => match rest.find("${") {
                Some(open) if open < end => {
                    depth += 1;
                    at += open + 2;
                }
                _ if depth == 1 => return Some(at + end),
                _ => {
                    depth -= 1;
                    at += end + 1;
                }
            },
        }
    }
    None
}

/// The byte that `x0f` names.
fn hexadecimal(name: &str) -> Option<u8> {
    let digits = name.strip_prefix('x').filter(|digits| digits.len() == 2)?;
    u8::from_str_radix(digits, 16).ok()
}

/// A value of a file, for messages.
pub(crate) fn told(value: &toml::Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
