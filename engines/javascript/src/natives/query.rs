//! `application/x-www-form-urlencoded` (URL Standard), which `URLSearchParams` reads and writes.

use form_urlencoded::Serializer;

use super::{Arguments, Given};
use crate::Value;

/// `query_parse(text)`: the list name, value, name, value … of text without a leading `?`.
pub(super) fn parse(args: Arguments<'_>) -> Given {
    let pairs = form_urlencoded::parse(args.text(0)?.as_bytes());
    Ok(Value::texts(pairs.flat_map(|(name, value)| [name, value])))
}

/// `query_serialize(list)`: the text of such a list.
pub(super) fn serialize(args: Arguments<'_>) -> Given {
    let (pairs, rest) = args.list(0)?.as_chunks::<2>();
    let wrong = || args.wrong(0, "a list of names and values");
    if !rest.is_empty() {
        return Err(wrong());
    }
    let mut query = Serializer::new(String::new());
    for pair in pairs {
        let [Value::Text(name), Value::Text(value)] = pair else {
            return Err(wrong());
        };
        query.append_pair(name, value);
    }
    Ok(Value::Text(query.finish()))
}
