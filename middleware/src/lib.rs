//! The middleware that come with mik: one module, one cargo feature and one line below for each.
//!
//! | name | ring | what it does | on |
//! |---|---|---|---|
//! | `access-log` | edge | one log line for each request | by default |

#[cfg(feature = "access-log")]
mod access_log;

use mik_core::Registry;

#[cfg(feature = "access-log")]
pub use access_log::AccessLog;

/// Every middleware of this crate in the order in which they stand around a call by default, outermost
/// first.
pub const DEFAULT_ORDER: &[&str] = &["access-log"];

/// Those that are on unless their table says `enabled = false`.
pub const ON_BY_DEFAULT: &[&str] = &["access-log"];

/// Registers every middleware that is compiled in, and remembers the names of the others.
pub fn register(registry: &mut Registry) {
    #[cfg(feature = "access-log")]
    registry.middleware("access-log", AccessLog::from_settings);
    #[cfg(not(feature = "access-log"))]
    registry.absent_middleware("access-log", "access-log");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_has_its_place_in_the_order() {
        let mut registry = Registry::new();
        register(&mut registry);
        for name in registry.middlewares() {
            assert!(DEFAULT_ORDER.contains(&name), "{name} has no place in DEFAULT_ORDER");
        }
        assert!(ON_BY_DEFAULT.iter().all(|name| DEFAULT_ORDER.contains(name)));
    }
}
