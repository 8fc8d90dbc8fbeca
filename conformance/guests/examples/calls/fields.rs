//! `fields` of `wasi:http/types`.

use guests::Fields;

use crate::program::{decoded, Arguments};
use crate::told::{done, header_error, kept, made, quoted, told, Returned};

pub fn call(name: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    Ok(Some(match name {
        "fields.new" => kept(Fields::new()),
        "fields.from-list" => made(Fields::from_list(&pairs(&a.rest(0))?), header_error),
        "fields.get" => list(a.get::<Fields>(0)?.get(&a.text(1)?)),
        "fields.has" => told(a.get::<Fields>(0)?.has(&a.text(1)?)),
        "fields.set" => {
            let values: Vec<_> = a.rest(2).iter().map(|word| decoded(word)).collect();
            done(a.get::<Fields>(0)?.set(&a.text(1)?, &values), header_error)
        }
        "fields.delete" => done(a.get::<Fields>(0)?.delete(&a.text(1)?), header_error),
        "fields.append" => {
            done(a.get::<Fields>(0)?.append(&a.text(1)?, &a.bytes(2)?), header_error)
        }
        "fields.entries" => {
            let entries = a.get::<Fields>(0)?.entries().into_iter();
            let entries = entries.map(|(name, value)| format!("{name}: {}", quoted(value)));
            told(format!("[{}]", entries.collect::<Vec<_>>().join(", ")))
        }
        "fields.clone" => kept(Fields::clone(&*a.get::<Fields>(0)?)),
        _ => return Ok(None),
    }))
}

fn list(values: Vec<Vec<u8>>) -> Returned {
    told(format!("[{}]", values.iter().map(quoted).collect::<Vec<_>>().join(", ")))
}

/// `name:value` each, both percent-decoded.
pub fn pairs(words: &[&str]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let pair = |word: &&str| {
        let (name, value) = word.split_once(':').ok_or_else(|| format!("`{word}` is no pair"))?;
        let name = String::from_utf8(decoded(name)).map_err(|_| "a name is text")?;
        Ok((name, decoded(value)))
    };
    words.iter().map(pair).collect()
}
