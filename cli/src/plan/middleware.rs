//! Which middleware are on, in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use mik_core::{Middleware, ModuleName, Registry, RoutePath, Settings, Target, Unknown};
use mik_middleware::DEFAULT_ORDER;
use toml::de::DeTable;

use super::Draft;
use super::modules::reserved;
use crate::config::{Problem, closest};

/// The middleware that `server.static` switches on.
const STATIC: &str = "static";

/// A middleware that is on.
#[derive(Clone)]
pub struct Placed {
    /// The name by which `middleware.order` places it.
    pub name: String,
    /// Where it comes from, for people.
    pub origin: String,
    /// The middleware itself.
    pub middleware: Arc<dyn Middleware>,
}

impl Draft<'_> {
    /// Makes every middleware that is on, outermost first.
    pub(super) fn middleware(&mut self) -> Vec<Placed> {
        let mut plugins = self.plugins();
        self.check_names(&plugins);
        let mut made = Vec::new();
        for name in self.order(&plugins) {
            made.extend(plugins.remove(&name).or_else(|| self.make(&name)));
        }
        made
    }

    /// Every endpoint must be reached: no other answers at its path, and no module is mounted there.
    pub(super) fn check_endpoints(
        &mut self,
        placed: &[Placed],
        mounts: &[(RoutePath, ModuleName)],
    ) {
        let mut problems = Vec::new();
        let mut seen: Vec<(&str, RoutePath)> = Vec::new();
        for Placed { name, middleware, .. } in placed {
            let Some(endpoint) = middleware.endpoint() else { continue };
            let path = endpoint.path();
            let other = seen.iter().find(|(_, other)| other == path);
            let message = reserved(path).or_else(|| {
                other.map(|(other, _)| format!("{path} is where [middleware.{other}] answers"))
            });
            if let Some(message) = message {
                let problem = Problem::error(format!("[middleware.{name}]: {message}"));
                problems.push(problem.at(self.places.key(&["middleware", name])));
            }
            seen.push((name, path.clone()));
        }
        for (route, module) in mounts {
            let Some((name, _)) = seen.iter().find(|(_, path)| path == route) else { continue };
            let message = format!(
                "the route {route} cannot be mounted: it is where [middleware.{name}] answers"
            );
            let at = self.places.value(&["modules", module.as_str(), "route"]);
            problems.push(Problem::error(message).at(at));
        }
        self.problems.extend(problems);
    }

    /// The names of those that are on: first as `order` has them, then as they are by default.
    fn order(&self, plugins: &BTreeMap<String, Placed>) -> Vec<String> {
        let is_on = |name: &&str| {
            *name == STATIC && self.config.server.static_files.is_some()
                || self.registry.wants_middleware(name, &self.table(name, &self.text()))
        };
        let on: BTreeSet<_> =
            self.registry.middlewares().filter(is_on).map(ToOwned::to_owned).collect();
        let wanted = self.config.middleware.order.iter().flatten().map(String::as_str);
        let mut seen = BTreeSet::new();
        wanted
            .chain(DEFAULT_ORDER.iter().copied())
            .chain(on.iter().map(String::as_str))
            .chain(plugins.keys().map(String::as_str))
            .filter(|name| on.contains(*name) || plugins.contains_key(*name))
            .filter(|name| seen.insert(*name))
            .map(ToOwned::to_owned)
            .collect()
    }

    /// Makes one. What is wrong is told and taken out, until it reads or nothing more can be found.
    fn make(&mut self, name: &str) -> Option<Placed> {
        let mut text = self.text();
        let mut is_sound = true;
        loop {
            let error = match self.registry.make_middleware(name, &self.table(name, &text)) {
                Ok(middleware) => {
                    let origin = self.registry.middleware_origin(name).unwrap_or_default();
                    let (name, origin) = (name.to_owned(), origin.to_owned());
                    return is_sound.then_some(Placed { name, origin, middleware });
                }
                Err(error) => error,
            };
            let span = match &error {
                Unknown::Settings(settings) => settings.span(),
                _ => None,
            };
            let entry = span.as_ref().and_then(|span| self.places.entry_of_middleware(span));
            // What is missing once something wrong is taken out was there before.
            if is_sound || span.is_some() {
                self.tell(name, &error, span);
            }
            is_sound = false;
            match entry.map(|entry| without(&text, entry)) {
                Some(less) if less != text && DeTable::parse(&less).is_ok() => text = less,
                _ => return None,
            }
        }
    }

    fn tell(&mut self, name: &str, error: &Unknown, span: Option<Range<usize>>) {
        // Reading the whole file may have found the same.
        let known = |problem: &Problem| span.is_some() && problem.span == span;
        if self.problems.iter().any(known) {
            return;
        }
        let document = self.document.as_ref().map_or(0, |document| document.text.len());
        let span = span.filter(|span| span.end <= document);
        let text = match error {
            Unknown::Settings(settings) => settings.message().to_owned(),
            other => other.to_string(),
        };
        let (span, table) = match span {
            Some(span) => {
                let table = self.places.table_of_middleware(&span);
                (Some(span), format!("[{}]", table.unwrap_or(format!("middleware.{name}"))))
            }
            None if name == STATIC && self.config.server.static_files.is_some() => {
                (self.places.value(&["server", STATIC]), "server.static".to_owned())
            }
            None => self.place_of(name, error),
        };
        let mut problem = Problem::told(&text).at(span);
        problem.message = format!("{table}: {}", problem.message);
        problem.is_private = matches!(error, Unknown::Settings(error) if error.is_private());
        self.problems.push(problem);
    }

    /// Where the table stands that an error without a place is about, or the key of it that the error names.
    fn place_of(&self, name: &str, error: &Unknown) -> (Option<Range<usize>>, String) {
        let (target, key) = match error {
            Unknown::Settings(settings) => (settings.target(), settings.key()),
            _ => (None, None),
        };
        let own = match target {
            Some(Target::Module(module)) => vec!["modules", module.as_str(), name],
            Some(Target::Script(script)) => vec!["scripts", script.as_str(), name],
            _ => match self.places.key(&["middleware", name]) {
                // Only single modules have it: one of them is shown.
                None => self.places.of_one(name).unwrap_or(vec!["middleware", name]),
                Some(_) => vec!["middleware", name],
            },
        };
        // What its own table does not say is taken from that for all.
        let keys = [&own[..], &["middleware", name]];
        let keys = key.into_iter().flat_map(|key| keys.map(|table| [table, &[key]].concat()));
        let at_key = keys.into_iter().find_map(|path| self.places.value(&path));
        (at_key.or_else(|| self.places.key(&own)), format!("[{}]", own.join(".")))
    }

    /// The document that the tables of middleware are read from. Where it is no TOML, that is told already.
    fn text(&self) -> String {
        let text = self.document.as_ref().map_or("", |document| &document.text);
        let text = if DeTable::parse(text).is_ok() { text } else { "" };
        match &self.config.server.static_files {
            Some(root) if self.places.key(&["middleware", STATIC]).is_none() => {
                let root = serde_json::Value::from(root.to_string_lossy());
                format!("{text}\n[middleware.{STATIC}]\nroot = {root}\n")
            }
            _ => text.to_owned(),
        }
    }

    /// The table of one middleware in `text`.
    fn table(&self, name: &str, text: &str) -> Settings {
        let settings = Settings::at(text, &["middleware", name]);
        match &self.document {
            Some(document) => settings.in_folder(document.folder()),
            None => settings,
        }
    }

    /// Every table and every entry of `order` must name a middleware that is there.
    fn check_names(&mut self, plugins: &BTreeMap<String, Placed>) {
        let table = &self.config.middleware;
        let off = |name: &String| table.tables[name].enabled == Some(false);
        let tables = table.tables.keys();
        let tables = tables.map(|name| (name, self.places.key(&["middleware", name]), off(name)));
        let order = table.order.iter().flatten().enumerate();
        let order = order.filter(|(_, name)| !plugins.contains_key(*name)).map(|(i, name)| {
            (name, self.places.value(&["middleware", "order", &i.to_string()]), false)
        });
        let known: Vec<_> = self.registry.middlewares().collect();
        let mut problems = Vec::new();
        for (name, span, off) in
            tables.chain(order).filter(|(name, ..)| !known.contains(&name.as_str()))
        {
            let Err(unknown) = self.registry.make_middleware(name, &Settings::none()) else {
                continue;
            };
            // To switch off what is not there is no mistake.
            if off && matches!(unknown, Unknown::CompiledOut { .. }) {
                continue;
            }
            let close = closest(name, known.iter().copied())
                .map(|close| format!("did you mean `{close}`?"));
            problems.push(Problem::error(unknown.to_string()).at(span).help(close));
        }
        if self.config.server.static_files.is_some()
            && let Some(span) = self.places.key(&["middleware", STATIC])
        {
            let message = "`server.static` and [middleware.static] are both there";
            problems.push(
                Problem::error(message)
                    .at(span)
                    .help("write root = \"…\" in this table and remove `server.static`".to_owned()),
            );
        }
        self.problems.extend(problems);
    }
}

/// The text with an entry replaced by blanks, so that everything else stays where it is.
fn without(text: &str, entry: Range<usize>) -> String {
    let (Some(before), Some(inside), Some(after)) =
        (text.get(..entry.start), text.get(entry.clone()), text.get(entry.end..))
    else {
        return text.to_owned();
    };
    let blank: String = inside.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
    format!("{before}{blank}{after}")
}

/// What is said of the middleware `name` for a listing: in which rings it would stand.
pub(crate) fn rings_of(registry: &Registry, name: &str) -> Option<mik_core::Rings> {
    registry.make_middleware(name, &Settings::none()).ok().map(|made| made.rings())
}
