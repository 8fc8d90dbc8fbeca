//! Which path leads where.

use http::HeaderValue;

use super::{Inner, health};
use crate::call::Matched;
use crate::{ModuleName, RoutePath, Target};

/// The routes of a host: what is mounted by hand, then `/health`, `/run/NAME/*` and `/script/NAME/*`.
pub(super) struct Routes {
    mounts: Vec<(RoutePath, Matched)>,
    health: Matched,
    nothing: Matched,
}

impl Routes {
    pub(super) fn new(mounts: Vec<(RoutePath, ModuleName)>) -> Self {
        let mut mounts: Vec<_> = mounts.into_iter().map(|(path, name)| mount(path, name)).collect();
        // The longest prefix wins.
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_str().len()));
        Self {
            mounts,
            health: Matched::new(health::PATH, Target::Builtin(health::NAME)),
            nothing: Matched::new("", Target::Nothing),
        }
    }

    /// Resolves a path. Nothing is stored or counted for names that do not exist.
    pub(super) fn resolve(&self, path: &str, inner: &Inner) -> Matched {
        if path == health::PATH {
            return self.health.clone();
        }
        let by_name = [("/run/", &inner.modules), ("/script/", &inner.scripts)];
        for (prefix, catalogue) in by_name {
            let Some(rest) = path.strip_prefix(prefix) else { continue };
            let name = rest.split('/').next().unwrap_or_default();
            if let Some(entry) = catalogue.as_ref().and_then(|catalogue| catalogue.find(name)) {
                return entry.matched().clone();
            }
        }
        let mounted = self.mounts.iter().find(|(mount, _)| mount.strip(path).is_some());
        mounted.map_or(&self.nothing, |(_, matched)| matched).clone()
    }

    /// All routes as patterns, for people.
    pub(super) fn list(&self, inner: &Inner) -> Vec<(String, Target)> {
        let mounts = self.mounts.iter().map(|(_, matched)| matched.clone());
        let modules = inner.modules.iter().flat_map(|modules| modules.list());
        let scripts = inner.scripts.iter().flat_map(|scripts| scripts.list());
        mounts
            .map(|matched| (matched.route.to_string(), matched.target))
            .chain(modules.map(|(name, _)| (format!("/run/{name}/*"), Target::Module(name))))
            .chain(scripts.map(|(name, _)| (format!("/script/{name}/*"), Target::Script(name))))
            .chain([(health::PATH.to_owned(), self.health.target.clone())])
            .collect()
    }
}

fn mount(path: RoutePath, name: ModuleName) -> (RoutePath, Matched) {
    let root = path == RoutePath::root();
    let pattern = if root { "/*".to_owned() } else { format!("{path}/*") };
    let mut matched = Matched::new(&pattern, Target::Module(name));
    // The characters of a route are all allowed in a header.
    matched.prefix = if root { None } else { HeaderValue::try_from(path.as_str()).ok() };
    (path, matched)
}
