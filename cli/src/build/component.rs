//! The component that a build ends with: valid, and fit to be served or not.

use wasmparser::{Validator, WasmFeatures};

use super::{BuildError, ComposeError};
use crate::inspect::Inspection;

/// A valid component, and what it says of itself.
#[derive(Debug)]
pub(super) struct Component {
    bytes: Vec<u8>,
    inspection: Inspection,
}

/// Whether mik serves a component as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// It does.
    Servable,
    /// It does not: why, and what to do.
    NotYet(String),
}

/// The interface of handlers that the bridge turns into HTTP.
pub(super) const HANDLER: &str = "mik:core/handler@";

impl Component {
    /// Checks all of a component, with everything that it holds.
    pub(super) fn check(bytes: Vec<u8>) -> Result<Self, BuildError> {
        let broken = |reason| BuildError::Broken { reason };
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(&bytes)
            .map_err(|error| broken(error.to_string()))?;
        let inspection = Inspection::of(&bytes).map_err(broken)?;
        Ok(Self { bytes, inspection })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The world that it fits.
    pub(super) fn world(&self) -> Option<&'static str> {
        self.inspection.world
    }

    /// Whether it is to be served as it is. What was composed must be.
    pub(super) fn fit(&self, is_composed: bool) -> Result<Fit, BuildError> {
        let imports = self.inspection.imports.iter();
        let unfilled: Vec<_> = imports.filter(|name| !name.starts_with("wasi:")).cloned().collect();
        if is_composed && !unfilled.is_empty() {
            return Err(ComposeError::Unfilled { imports: unfilled }.into());
        }
        if is_composed && self.world().is_none() {
            return Err(no_handler(&self.inspection).into());
        }
        let not_yet = match self.world() {
            _ if self.has_handler() => {
                "it is a handler without the HTTP bridge: compose it with -c to serve it".to_owned()
            }
            None => {
                format!("it is nothing that mik serves: it exports {}", exports(&self.inspection))
            }
            Some("wasi:http/service") => {
                "it is for WASI 0.3, which no engine of mik runs yet: build it for wasi:http 0.2"
                    .to_owned()
            }
            Some(_) if !unfilled.is_empty() => format!(
                "it imports {}, which is not WASI: name components that export it with \
                 `dependencies = […]` under [build] of mik.toml, and compose it with -c to serve it",
                unfilled.join(", ")
            ),
            Some(_) => return Ok(Fit::Servable),
        };
        Ok(Fit::NotYet(not_yet))
    }

    fn has_handler(&self) -> bool {
        self.world().is_none()
            && self.inspection.exports.iter().any(|name| name.starts_with(HANDLER))
    }
}

impl Fit {
    /// What to tell of it.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Self::Servable => None,
            Self::NotYet(why) => Some(why.clone()),
        }
    }
}

/// That a component has nothing that could be called by HTTP.
pub(super) fn no_handler(inspection: &Inspection) -> ComposeError {
    ComposeError::NoHandler { exports: exports(inspection) }
}

fn exports(inspection: &Inspection) -> String {
    let names: Vec<_> = inspection.exports.iter().map(String::as_str).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::toys::{SERVICE, toy};

    const HTTP: &str = "export wasi:http/incoming-handler@0.2.12;";
    const COUNTER: &str = "local:store/counter@1.0.0;";

    fn note(bytes: Vec<u8>) -> Option<String> {
        Component::check(bytes).unwrap().fit(false).unwrap().note()
    }

    #[test]
    fn what_mik_serves_is_servable() {
        assert_eq!(Component::check(toy(HTTP)).unwrap().fit(true).unwrap(), Fit::Servable);
        assert_eq!(note(toy(HTTP)), None);
    }

    #[test]
    fn what_it_does_not_serve_yet_says_why() {
        let handler = note(toy(SERVICE)).unwrap();
        assert!(handler.contains("compose it with -c"), "{handler}");
        let needs = note(toy(&format!("{HTTP} import {COUNTER}"))).unwrap();
        assert!(needs.contains(&COUNTER[..25]) && needs.contains("dependencies = ["), "{needs}");
        let library = note(toy(&format!("export {COUNTER}"))).unwrap();
        assert!(library.contains("it exports local:store/counter@1.0.0"), "{library}");
        let newer = r#"(component
            (instance $handler)
            (export "wasi:http/handler@0.3.0" (instance $handler)))"#;
        let newer = note(wat::parse_str(newer).unwrap()).unwrap();
        assert!(newer.contains("WASI 0.3"), "{newer}");
    }

    #[test]
    fn what_was_composed_must_be_whole() {
        let refused =
            |world: &str| Component::check(toy(world)).unwrap().fit(true).unwrap_err().to_string();
        let unfilled = refused(&format!("{HTTP} import {COUNTER}"));
        assert!(unfilled.contains("[build]\n    dependencies = ["), "{unfilled}");
        let library = refused(&format!("export {COUNTER}"));
        assert!(
            library.contains("is no handler: it exports local:store/counter@1.0.0"),
            "{library}"
        );
    }

    #[test]
    fn what_is_not_valid_is_told() {
        let mut cut = toy(HTTP);
        cut.truncate(cut.len() - 3);
        let error = Component::check(cut).unwrap_err().to_string();
        assert!(error.contains("no valid component"), "{error}");
    }
}
