//! Which middleware are on, in which order.

use std::collections::BTreeSet;
use std::sync::Arc;

use mik_core::{Middleware, Settings, Unknown};
use mik_middleware::{DEFAULT_ORDER, ON_BY_DEFAULT};

use super::Draft;
use crate::config::{Problem, closest};

impl Draft<'_> {
    /// Makes every middleware that is on, outermost first.
    pub(super) fn middleware(&mut self) -> Vec<Arc<dyn Middleware>> {
        self.check_names();
        let mut made = Vec::new();
        for name in self.order() {
            match self.registry.make_middleware(name, &self.table(name)) {
                Ok(middleware) => made.push(middleware),
                Err(error) => {
                    let span = match &error {
                        Unknown::Settings(settings) => settings.span(),
                        _ => None,
                    };
                    let span = span.or_else(|| self.places.key(&["middleware", name]));
                    self.problems
                        .push(Problem::error(format!("[middleware.{name}]: {error}")).at(span));
                }
            }
        }
        made
    }

    /// The names of those that are on: first as `order` has them, then as they are by default.
    fn order(&self) -> Vec<&'static str> {
        let table = &self.config.middleware;
        let is_on = |name: &&str| match table.tables.get(*name) {
            Some(switch) => switch.enabled.unwrap_or(true),
            None => ON_BY_DEFAULT.contains(name),
        };
        let registered: BTreeSet<_> = self.registry.middlewares().filter(is_on).collect();
        let wanted = table.order.iter().flatten().map(String::as_str);
        let mut seen = BTreeSet::new();
        wanted
            .chain(DEFAULT_ORDER.iter().copied())
            .chain(registered.iter().copied())
            .filter(|name| seen.insert(*name))
            .filter_map(|name| registered.get(name).copied())
            .collect()
    }

    /// The table of one middleware. Where the document is no TOML, that is told already.
    fn table(&self, name: &str) -> Settings {
        match &self.document {
            Some(document) if toml::de::DeTable::parse(&document.text).is_ok() => {
                Settings::at(document.text.clone(), &["middleware", name])
            }
            _ => Settings::none(),
        }
    }

    /// Every table and every entry of `order` must name a middleware that is compiled in.
    fn check_names(&mut self) {
        let off = |name: &String| self.config.middleware.tables[name].enabled == Some(false);
        let tables = self.config.middleware.tables.keys();
        let tables = tables.map(|name| (name, self.places.key(&["middleware", name]), off(name)));
        let order = self.config.middleware.order.iter().flatten().enumerate();
        let order = order.map(|(i, name)| {
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
        self.problems.extend(problems);
    }
}
