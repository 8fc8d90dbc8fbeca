//! URLs as the class `URL` reads and changes them (URL Standard, API).

use std::panic::catch_unwind;

use url::{Url, quirks};

use super::{Arguments, Given};
use crate::{Thrown, Value};

/// `url_parse(input, base)`: what the getters of `URL` give, or null where `input` is not a URL.
pub(super) fn parse(args: Arguments<'_>) -> Given {
    let (input, base) = (args.text(0)?, args.optional_text(1)?);
    Ok(parsed(input, base).map_or(Value::Null, |url| parts(&url)))
}

/// `url_set(href, part, value)`: the same after the setter of `part`. A value that the setter cannot use
/// changes nothing.
pub(super) fn set(args: Arguments<'_>) -> Given {
    let (href, part, value) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let url = parsed(href, None).ok_or_else(|| args.wrong(0, "a URL"))?;
    let set = setter(part)
        .ok_or_else(|| Thrown::type_error(format!("url_set: a URL has no {part} to set")))?;
    let change = || {
        let mut url = url.clone();
        set(&mut url, value).ok().map(|()| url)
    };
    let changed = catch_unwind(change).ok().flatten();
    // The crate lets a few values through that make another URL, or none, when they are read again: the path
    // `//host` where there is no host. The standard has ways to write them, the crate has not.
    let is_sound =
        |url: &Url| parsed(url.as_str(), None).is_some_and(|again| parts(&again) == parts(url));
    Ok(parts(&changed.filter(is_sound).unwrap_or(url)))
}

/// Changes one part; `Err` where it ignores the value.
type Setter = fn(&mut Url, &str) -> Result<(), ()>;

fn setter(part: &str) -> Option<Setter> {
    Some(match part {
        "protocol" => quirks::set_protocol,
        "username" => quirks::set_username,
        "password" => quirks::set_password,
        "host" => quirks::set_host,
        "hostname" => quirks::set_hostname,
        "port" => quirks::set_port,
        "pathname" => |url, value| {
            quirks::set_pathname(url, value);
            Ok(())
        },
        "search" => |url, value| {
            quirks::set_search(url, value);
            Ok(())
        },
        "hash" => |url, value| {
            quirks::set_hash(url, value);
            Ok(())
        },
        _ => return None,
    })
}

/// The crate panics on some pairs of a relative path and a `file:` URL, such as `..` and `file:%a/C:`.
fn parsed(input: &str, base: Option<&str>) -> Option<Url> {
    let parse = || {
        let base = base.map(Url::parse).transpose()?;
        Url::options().base_url(base.as_ref()).parse(input)
    };
    catch_unwind(parse).ok()?.ok()
}

/// href, origin, protocol, username, password, host, hostname, port, pathname, search and hash.
fn parts(url: &Url) -> Value {
    let origin = quirks::origin(url);
    Value::texts([
        quirks::href(url),
        &origin,
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ])
}
