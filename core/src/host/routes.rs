//! Which path leads where.

use std::sync::Arc;

use http::HeaderValue;

use super::{Inner, health, openapi};
use crate::call::Matched;
use crate::{Endpoint, ModuleName, RoutePath, Target};

/// The routes of a host: `/health`, `/run/NAME/*`, `/script/NAME/*` and `/openapi`, the endpoints of middleware,
/// then what is mounted by hand.
pub(super) struct Routes {
    endpoints: Vec<(Endpoint, Arc<Matched>)>,
    mounts: Vec<(RoutePath, Arc<Matched>)>,
    health: Arc<Matched>,
    /// The descriptions of all modules, and of each.
    openapi: [Arc<Matched>; 2],
    nothing: Arc<Matched>,
}

impl Routes {
    pub(super) fn new(
        endpoints: Vec<Endpoint>,
        mounts: Vec<(RoutePath, ModuleName)>,
        engine: &Arc<str>,
    ) -> Self {
        let endpoints = endpoints.into_iter().map(|endpoint| {
            let mut matched = Matched::new(&endpoint.pattern(), Target::Builtin(endpoint.name));
            matched.prefix = prefix(&endpoint.path).filter(|_| endpoint.is_subtree);
            (endpoint, Arc::new(matched))
        });
        let mut endpoints: Vec<_> = endpoints.collect();
        let mut mounts: Vec<_> =
            mounts.into_iter().map(|(path, name)| mount(path, name, engine)).collect();
        // The longest prefix wins.
        endpoints.sort_by_key(|(endpoint, _)| std::cmp::Reverse(endpoint.path.as_str().len()));
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_str().len()));
        Self {
            endpoints,
            mounts,
            health: Arc::new(Matched::new(health::PATH, Target::Builtin(health::NAME))),
            openapi: [openapi::PATH, openapi::EACH]
                .map(|route| Arc::new(Matched::new(route, Target::Builtin(openapi::NAME)))),
            nothing: Arc::new(Matched::new("", Target::Nothing)),
        }
    }

    /// The endpoint of that name.
    pub(super) fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().map(|(endpoint, _)| endpoint).find(|endpoint| endpoint.name == name)
    }

    /// Resolves a path. Nothing is stored or counted for names that do not exist.
    pub(super) fn resolve(&self, path: &str, inner: &Inner) -> Arc<Matched> {
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
        if let Some(rest) = path.strip_prefix(openapi::PATH) {
            let [all, each] = &self.openapi;
            if rest.is_empty() {
                return all.clone();
            }
            if rest.starts_with('/') {
                return each.clone();
            }
        }
        let own = self.endpoints.iter().find(|(endpoint, _)| endpoint.answers(path));
        let mounted = self.mounts.iter().find(|(mount, _)| mount.strip(path).is_some());
        let own = own.map(|(endpoint, matched)| (&endpoint.path, matched));
        let mounted = mounted.map(|(path, matched)| (path, matched));
        // Where both cover the path, the longer prefix wins: files may lie at `/` and a module at `/api`.
        let matched = match (own, mounted) {
            (Some((own, _)), Some((mount, matched)))
                if mount.as_str().len() > own.as_str().len() =>
            {
                matched
            }
            (Some((_, matched)), _) | (None, Some((_, matched))) => matched,
            (None, None) => &self.nothing,
        };
        matched.clone()
    }

    /// All routes as patterns, for people.
    pub(super) fn list(&self, inner: &Inner) -> Vec<(String, Target)> {
        let own = self.endpoints.iter().map(|(_, matched)| matched);
        let mounts = self.mounts.iter().map(|(_, matched)| matched).chain(own).cloned();
        let modules = inner.modules.iter().flat_map(|modules| modules.list());
        let scripts = inner.scripts.iter().flat_map(|scripts| scripts.list());
        mounts
            .map(|matched| (matched.route.to_string(), matched.target.clone()))
            .chain(modules.map(|(name, _)| (format!("/run/{name}/*"), Target::Module(name))))
            .chain(scripts.map(|(name, _)| (format!("/script/{name}/*"), Target::Script(name))))
            .chain([(health::PATH.to_owned(), self.health.target.clone())])
            .collect()
    }
}

fn mount(path: RoutePath, name: ModuleName, engine: &Arc<str>) -> (RoutePath, Arc<Matched>) {
    let root = path == RoutePath::root();
    let pattern = if root { "/*".to_owned() } else { format!("{path}/*") };
    let mut matched = Matched::new(&pattern, Target::Module(name));
    matched.prefix = prefix(&path);
    matched.engine = Some(engine.clone());
    (path, Arc::new(matched))
}

/// What is cut off of paths below `path`. The characters of a route are all allowed in a header.
fn prefix(path: &RoutePath) -> Option<HeaderValue> {
    let is_root = *path == RoutePath::root();
    if is_root { None } else { HeaderValue::try_from(path.as_str()).ok() }
}
