//! What a middleware leaves alone: endpoints of the host by name, and paths.

use std::fmt;
use std::str::FromStr;

use mik_core::values::{Checked, Text};
use mik_core::{Matched, Target};

/// What a middleware leaves alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exempt(Vec<Text<Exemption>>);

/// An endpoint such as `health`, a path such as `/run/shop/login`, or all below one, `/run/shop/public/*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exemption {
    /// An endpoint of the host or a middleware, by its name.
    Endpoint(String),
    /// One path, as clients write it.
    Path(String),
    /// A path and all below it; without its `/*`.
    Below(String),
}

impl Exempt {
    pub(crate) fn new(list: Vec<Text<Exemption>>) -> Self {
        Self(list)
    }

    /// Whether a request for `path`, as the client wrote it, is left alone.
    pub(crate) fn holds(&self, matched: &Matched, path: &str) -> bool {
        self.0.iter().any(|Text(exemption)| match exemption {
            Exemption::Endpoint(name) => {
                matches!(matched.target, Target::Builtin(this) if this == name)
            }
            Exemption::Path(exact) => path == exact,
            Exemption::Below(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && is_plain(rest)),
        })
    }
}

/// Whether every reader of the path understands the same by it. Otherwise `/public/../private` would lie
/// below `/public`.
fn is_plain(path: &str) -> bool {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if matches!(segment, "." | "..") || segment.is_empty() && !is_last {
            return false;
        }
    }
    // An encoded dot, slash, backslash or percent sign, which some decode before they look at segments.
    let escapes = path.split('%').skip(1).map(|escape| escape.get(..2).unwrap_or_default());
    let is_doubtful = |escape: &str| {
        ["2e", "2f", "5c", "25"].iter().any(|doubtful| escape.eq_ignore_ascii_case(doubtful))
    };
    !path.contains(['\\', ';']) && !escapes.into_iter().any(is_doubtful)
}

impl FromStr for Exemption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        let is_path =
            |path: &str| path.bytes().all(|b| b.is_ascii_graphic() && !b"*?#".contains(&b));
        match text.strip_suffix("/*") {
            Some(prefix) if prefix.is_empty() || prefix.starts_with('/') && is_path(prefix) => {
                Ok(Self::Below(prefix.to_owned()))
            }
            None if text.starts_with('/') && is_path(text) => Ok(Self::Path(text.to_owned())),
            None if is_name(text) => Ok(Self::Endpoint(text.to_owned())),
            _ => Err(format!(
                "{text:?} is neither an endpoint nor a path: expected {}",
                Self::EXPECTED
            )),
        }
    }
}

impl fmt::Display for Exemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(text) | Self::Path(text) => f.write_str(text),
            Self::Below(prefix) => write!(f, "{prefix}/*"),
        }
    }
}

impl Checked for Exemption {
    const EXPECTED: &'static str = "an endpoint such as \"health\", or a path such as \"/run/shop/login\" or \"/run/shop/public/*\"";
    const PATTERN: &'static str = "^([A-Za-z0-9_-]+|/[!-~]*)$";
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mik_core::{Call, ModuleName};

    use super::*;

    fn exempt(list: &[&str]) -> Exempt {
        Exempt::new(list.iter().map(|text| Text(text.parse().unwrap())).collect())
    }

    fn holds(list: &[&str], target: Target, path: &str) -> bool {
        let call = Call::detached(Duration::from_secs(1)).detached_to("", target);
        exempt(list).holds(call.matched(), path)
    }

    fn shop() -> Target {
        Target::Module(ModuleName::new("shop").unwrap())
    }

    #[tokio::test]
    async fn an_endpoint_is_known_by_its_name() {
        assert!(holds(&["health"], Target::Builtin("health"), "/health"));
        assert!(!holds(&["health"], Target::Builtin("metrics"), "/metrics"));
        assert!(!holds(&["health"], shop(), "/run/shop/health"));
        assert!(!holds(&[], Target::Builtin("health"), "/health"));
        let health = ModuleName::new("health").unwrap();
        assert!(!holds(&["health"], Target::Module(health), "/run/health/"));
    }

    #[tokio::test]
    async fn a_path_is_that_path_or_all_below_it() {
        for (list, path, is_exempt) in [
            (["/run/shop/login"], "/run/shop/login", true),
            (["/run/shop/login"], "/run/shop/login/", false),
            (["/run/shop/login"], "/run/shop/loginx", false),
            (["/run/shop/public/*"], "/run/shop/public", true),
            (["/run/shop/public/*"], "/run/shop/public/", true),
            (["/run/shop/public/*"], "/run/shop/public/a/b.css", true),
            (["/run/shop/public/*"], "/run/shop/public/a%20b", true),
            (["/run/shop/public/*"], "/run/shop/public/...", true),
            (["/run/shop/public/*"], "/run/shop/publicity", false),
            (["/run/shop/public/*"], "/run/shop/", false),
            (["/*"], "/run/shop/", true),
        ] {
            assert_eq!(holds(&list, shop(), path), is_exempt, "{list:?} {path}");
        }
    }

    #[tokio::test]
    async fn what_may_lead_out_of_a_path_does_not_lie_below_it() {
        for path in [
            "/p/../secret",
            "/p/..",
            "/p/a/../../secret",
            "/p/.",
            "/p/./a",
            "/p//a",
            "/p/%2e%2e/secret",
            "/p/%2E./secret",
            "/p/..%2fsecret",
            "/p/..%5csecret",
            "/p/%252e%252e/secret",
            "/p/..\\secret",
            "/p/..;/secret",
        ] {
            assert!(!holds(&["/p/*"], shop(), path), "{path}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bad in
            ["", "a b", "health/", "run/shop", "/a*", "/a/*/b", "*", "/a?b", "/ä", "health/*"]
        {
            let message = bad.parse::<Exemption>().unwrap_err();
            assert!(message.contains("expected an endpoint such as"), "{bad:?}: {message}");
        }
        for text in ["health", "/", "/a/b", "/a/*", "/*"] {
            assert_eq!(text.parse::<Exemption>().unwrap().to_string(), text);
        }
    }
}
