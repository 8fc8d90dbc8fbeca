//! What texts, fields and JSON must be.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use serde_json::Value;

use crate::case::{Coding, Filled, HeaderRule, Like, TextRule, told};
use crate::cases::{Outcome, shown};
use crate::wire::Fields;

/// Stands in expected JSON for what must not be there.
const ABSENT: &str = "<absent>";

/// A body, or any other bytes that must be as a rule says.
pub(super) fn bytes(what: &str, rule: &TextRule, found: &[u8], with: &Filled) -> Outcome {
    match rule {
        TextRule::Exactly(text) => {
            let expected = text.bytes(with)?;
            if found == expected {
                return Ok(());
            }
            Err(format!("{what} is {}, not {}", shown(found), shown(&expected)))
        }
        TextRule::Like(like) => like_it(what, like, found, with),
    }
}

fn like_it(what: &str, like: &Like, found: &[u8], with: &Filled) -> Outcome {
    let decoded;
    let (what, found) = match like.coding {
        None => (what.to_owned(), found),
        Some(coding) => {
            decoded = decode(coding, found)
                .map_err(|error| format!("{what} is no {coding:?}: {error}"))?;
            (format!("{what}, decoded,"), decoded.as_slice())
        }
    };
    if let Some(text) = &like.is {
        bytes(&what, &TextRule::Exactly(text.clone()), found, with)?;
    }
    let text = String::from_utf8_lossy(found);
    for part in like.has.iter().flat_map(|all| &all.0) {
        let part = part.text(with)?;
        if !text.contains(&part) {
            return Err(format!("{what} has no {part:?}: {}", shown(found)));
        }
    }
    for part in like.lacks.iter().flat_map(|all| &all.0) {
        let part = part.text(with)?;
        if text.contains(&part) {
            return Err(format!("{what} has {part:?}: {}", shown(found)));
        }
    }
    if let Some(pattern) = like.matches.as_ref().filter(|pattern| !pattern.0.is_match(&text)) {
        return Err(format!("{what} does not match {}: {}", pattern.0, shown(found)));
    }
    if let Some(bytes) = like.bytes.filter(|bytes| !bytes.holds(found.len() as f64)) {
        return Err(format!("{what} has {} bytes, not {bytes}", found.len()));
    }
    match &like.json {
        None => Ok(()),
        Some(expected) => {
            let found: Value = serde_json::from_slice(found)
                .map_err(|error| format!("{what} is no JSON: {error}: {}", shown(found)))?;
            json("$", expected, &found, with)
                .map_err(|failure| format!("{what}: {failure}; it is {found}"))
        }
    }
}

fn decode(coding: Coding, found: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match coding {
        Coding::Gzip => MultiGzDecoder::new(found).read_to_end(&mut out)?,
        Coding::Deflate => ZlibDecoder::new(found).read_to_end(&mut out)?,
    };
    Ok(out)
}

/// What is expected must be within what is found.
fn json(at: &str, expected: &toml::Value, found: &Value, with: &Filled) -> Outcome {
    let differs = || Err(format!("{at} is {found}, not {}", told(expected)));
    match expected {
        toml::Value::Table(table) => table.iter().try_for_each(|(key, expected)| {
            let at = format!("{at}.{key}");
            match found.get(key) {
                None if is_absent(expected) => Ok(()),
                None => Err(format!("there is no {at}")),
                Some(value) if is_absent(expected) => Err(format!("{at} is {value}")),
                Some(value) => json(&at, expected, value, with),
            }
        }),
        toml::Value::Array(all) => match found {
            Value::Array(values) if values.len() == all.len() => {
                all.iter().zip(values).enumerate().try_for_each(|(n, (expected, value))| {
                    json(&format!("{at}[{n}]"), expected, value, with)
                })
            }
            _ => differs(),
        },
        toml::Value::String(text) => {
            let text = crate::case::Text(text.clone()).text(with)?;
            // TOML has no null.
            let is_it = found.as_str() == Some(&text) || (text == "<null>" && found.is_null());
            if is_it { Ok(()) } else { differs() }
        }
        toml::Value::Integer(number) => {
            if found.as_f64() == Some(*number as f64) {
                Ok(())
            } else {
                differs()
            }
        }
        toml::Value::Float(number) => {
            if found.as_f64() == Some(*number) {
                Ok(())
            } else {
                differs()
            }
        }
        toml::Value::Boolean(truth) => {
            if found.as_bool() == Some(*truth) {
                Ok(())
            } else {
                differs()
            }
        }
        toml::Value::Datetime(_) => Err(format!("{at}: JSON has no dates")),
    }
}

fn is_absent(expected: &toml::Value) -> bool {
    expected.as_str() == Some(ABSENT)
}

/// Header fields or trailers.
pub(super) fn fields(
    what: &str,
    rules: &BTreeMap<String, HeaderRule>,
    found: &Fields,
    with: &Filled,
) -> Outcome {
    rules.iter().try_for_each(|(name, rule)| {
        let values: Vec<_> = found.values(name).collect();
        match rule {
            HeaderRule::There(true) if values.is_empty() => {
                Err(format!("there is no {what} {name}"))
            }
            HeaderRule::There(false) if !values.is_empty() => {
                Err(format!("there is a {what} {name}: {values:?}"))
            }
            HeaderRule::There(_) => Ok(()),
            HeaderRule::All(expected) => {
                let expected: Result<Vec<_>, _> =
                    expected.iter().map(|text| text.text(with)).collect();
                let expected = expected?;
                if values == expected {
                    Ok(())
                } else {
                    Err(format!("{what} {name} is {values:?}, not {expected:?}"))
                }
            }
            HeaderRule::Value(rule) => match values.as_slice() {
                [value] => bytes(&format!("the {what} {name}"), rule, value.as_bytes(), with),
                [] => Err(format!("there is no {what} {name}")),
                _ => Err(format!("there are several {what}s {name}: {values:?}")),
            },
        }
    })
}
