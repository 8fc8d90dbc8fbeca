//! Several components as one: the handler, what it depends on, and the bridge that speaks HTTP for it.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use wac_graph::types::{Package, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

use super::BuildError;
use super::component::{HANDLER, no_handler};
use crate::config::Problem;
use crate::inspect::Inspection;
use crate::project::{Project, show};

/// The component that turns `mik:core/handler` into `wasi:http/incoming-handler`.
const BRIDGE: &[u8] = include_bytes!("../../assets/bridge.wasm");

/// Why components cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The handler exports nothing that could be called by HTTP.
    #[error(
        "the component is no handler: it exports {exports}, and mik serves what exports \
         wasi:http/incoming-handler@0.2, or mik:core/handler, which its SDK for Rust exports"
    )]
    NoHandler {
        /// What it exports.
        exports: String,
    },
    /// The handler is for another bridge.
    #[error(
        "the handler exports {handler}, and the bridge of this mik takes {bridge}: {}",
        advice()
    )]
    Version {
        /// What it exports.
        handler: String,
        /// What the bridge imports.
        bridge: String,
    },
    /// Nothing gives what is imported.
    #[error(
        "nothing gives what it imports:\n  {}\nName the components that export it in mik.toml:\n\n    \
         [build]\n    dependencies = [\"….wasm\"]", imports.join("\n  ")
    )]
    Unfilled {
        /// The interfaces.
        imports: Vec<String>,
    },
    /// Two dependencies give the same.
    #[error(
        "{first} and {second} both export {interface}: leave one of them out of [build] dependencies"
    )]
    Ambiguous {
        /// What both give.
        interface: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// Components that need each other.
    #[error("{part} depends on itself, by way of its own dependencies")]
    Cycle {
        /// One of them.
        part: String,
    },
    /// What one exports is not what another imports.
    #[error("{part} does not fit {interface}: {reason}")]
    Mismatch {
        /// Who exports it.
        part: String,
        /// The interface.
        interface: String,
        /// What differs.
        reason: String,
    },
    /// The parts fit, and yet there is no whole.
    #[error("the components cannot be composed: {0}")]
    Whole(String),
}

fn advice() -> &'static str {
    "bring the SDK of the project and mik to the same version"
}

/// The whole of a project's handler: with its dependencies, and with the bridge where it needs one.
pub(super) fn compose(
    project: &Project,
    handler: Vec<u8>,
    notes: &mut Vec<String>,
) -> Result<Vec<u8>, BuildError> {
    let dependencies = read_dependencies(project)?;
    Ok(compose_with(BRIDGE, handler, dependencies, notes)?)
}

/// The components that `mik.toml` lists, with what they are called.
fn read_dependencies(project: &Project) -> Result<Vec<(String, Vec<u8>)>, BuildError> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for (index, path) in project.build().dependencies.iter().enumerate() {
        let path = project.folder().join(path);
        match read_component(&path) {
            Ok(bytes) => found.push((show(&path).to_string(), bytes)),
            Err(reason) => {
                let key = ["build".into(), "dependencies".into(), index.to_string()];
                let problem = Problem::error(format!("{}: {reason}", show(&path)));
                problems.push((key.into(), problem.expected("expected a component")));
            }
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(project.problems(problems).into()) }
}

fn read_component(path: &PathBuf) -> Result<Vec<u8>, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    Inspection::of(&bytes).map(|_| bytes)
}

/// The same with another bridge.
pub(super) fn compose_with(
    bridge: &[u8],
    handler: Vec<u8>,
    dependencies: Vec<(String, Vec<u8>)>,
    notes: &mut Vec<String>,
) -> Result<Vec<u8>, ComposeError> {
    let inspection = Inspection::of(&handler).map_err(ComposeError::Whole)?;
    let needs_bridge = inspection.world.is_none();
    let is_handler = inspection.exports.iter().any(|name| name.starts_with(HANDLER));
    if needs_bridge && !is_handler {
        return Err(no_handler(&inspection));
    }
    if !needs_bridge && dependencies.is_empty() {
        return Ok(handler);
    }
    let mut composition = Composition::default();
    for (name, bytes) in dependencies {
        composition.add(name, bytes)?;
    }
    let handler = composition.add("the handler".to_owned(), handler)?;
    let whole = composition.instantiate(handler)?;
    let whole =
        if needs_bridge { composition.bridge(bridge, whole, handler)? } else { (whole, handler) };
    composition.export(whole)?;
    let unused = composition.parts.iter().filter(|part| part.node.is_none());
    notes.extend(unused.map(|part| format!("{} fills no import: it is left out", part.name)));
    composition.encode()
}

/// Components, and how they are plugged together.
#[derive(Default)]
struct Composition {
    graph: CompositionGraph,
    parts: Vec<Part>,
}

/// One component.
struct Part {
    name: String,
    package: PackageId,
    /// Its instance, once it is needed.
    node: Option<NodeId>,
    /// Whether what it needs is being made.
    is_open: bool,
}

/// A component of the composition, by its place.
type Index = usize;

impl Composition {
    fn add(&mut self, name: String, bytes: Vec<u8>) -> Result<Index, ComposeError> {
        let index = self.parts.len();
        // No two packages may have one name.
        let key = format!("mik:part{index}");
        let package = Package::from_bytes(&key, None, bytes, self.graph.types_mut());
        let whole = |reason: String| ComposeError::Whole(format!("{name}: {reason}"));
        let package = package.map_err(|error| whole(format!("{error:#}")))?;
        let package = self.graph.register_package(package).map_err(|error| whole(told(&error)))?;
        self.parts.push(Part { name, package, node: None, is_open: false });
        Ok(index)
    }

    fn exports(&self, part: Index) -> Vec<String> {
        let world = self.graph[self.parts[part].package].ty();
        self.graph.types()[world].exports.keys().cloned().collect()
    }

    fn imports(&self, part: Index) -> Vec<String> {
        let world = self.graph[self.parts[part].package].ty();
        self.graph.types()[world].imports.keys().cloned().collect()
    }

    /// The instance of a part, with those of all that it depends on.
    fn instantiate(&mut self, part: Index) -> Result<NodeId, ComposeError> {
        if let Some(node) = self.parts[part].node {
            return Ok(node);
        }
        if self.parts[part].is_open {
            return Err(ComposeError::Cycle { part: self.parts[part].name.clone() });
        }
        self.parts[part].is_open = true;
        let node = self.graph.instantiate(self.parts[part].package);
        for import in self.imports(part) {
            if let Some((provider, export)) = self.provider(part, &import)? {
                let instance = self.instantiate(provider)?;
                self.plug((instance, provider), &export, node, &import)?;
            }
        }
        self.parts[part].node = Some(node);
        Ok(node)
    }

    /// The part that exports what `part` imports, and the name by which it does. Where two do, which of them
    /// is meant is not decided by chance.
    fn provider(&self, part: Index, import: &str) -> Result<Option<(Index, String)>, ComposeError> {
        let others = (0..self.parts.len()).filter(|other| *other != part);
        let mut providers = others.filter_map(|other| {
            let mut exports = self.exports(other).into_iter();
            Some((other, exports.find(|export| are_semver_compatible(export, import))?))
        });
        let first = providers.next();
        match (&first, providers.next()) {
            (Some((first, _)), Some((second, _))) => {
                let [first, second] = [*first, second].map(|part| self.parts[part].name.clone());
                Err(ComposeError::Ambiguous { interface: import.to_owned(), first, second })
            }
            _ => Ok(first),
        }
    }

    fn plug(
        &mut self,
        (instance, provider): (NodeId, Index),
        export: &str,
        node: NodeId,
        import: &str,
    ) -> Result<(), ComposeError> {
        let alias = self.graph.alias_instance_export(instance, export);
        let alias = alias.map_err(|error| ComposeError::Whole(told(&error)))?;
        self.graph.set_instantiation_argument(node, import, alias).map_err(|error| {
            ComposeError::Mismatch {
                part: self.parts[provider].name.clone(),
                interface: import.to_owned(),
                reason: told(&error),
            }
        })
    }

    /// The instance of the bridge, over that of the handler.
    fn bridge(
        &mut self,
        bytes: &[u8],
        handler: NodeId,
        part: Index,
    ) -> Result<(NodeId, Index), ComposeError> {
        let bridge = self.add("the bridge".to_owned(), bytes.to_owned())?;
        let handlers =
            |names: Vec<String>| names.into_iter().find(|name| name.starts_with(HANDLER));
        let takes = handlers(self.imports(bridge)).unwrap_or_default();
        let gives = handlers(self.exports(part)).unwrap_or_default();
        if !are_semver_compatible(&takes, &gives) {
            return Err(ComposeError::Version { handler: gives, bridge: takes });
        }
        let node = self.graph.instantiate(self.parts[bridge].package);
        self.plug((handler, part), &gives, node, &takes)?;
        self.parts[bridge].node = Some(node);
        Ok((node, bridge))
    }

    /// Exports all that a part does.
    fn export(&mut self, (node, part): (NodeId, Index)) -> Result<(), ComposeError> {
        for name in self.exports(part) {
            let alias = self.graph.alias_instance_export(node, &name);
            let alias = alias.map_err(|error| ComposeError::Whole(told(&error)))?;
            let exported = self.graph.export(alias, &name);
            exported.map_err(|error| ComposeError::Whole(told(&error)))?;
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>, ComposeError> {
        let options = EncodeOptions { validate: true, ..EncodeOptions::default() };
        self.graph.encode(options).map_err(|error| ComposeError::Whole(told(&error)))
    }
}

/// An error with what lies below it.
fn told(error: &dyn Error) -> String {
    let below = error.source().map_or_else(String::new, |below| format!(": {}", told(below)));
    format!("{error}{below}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::component::Component;
    use crate::build::toys::{BRIDGE as TOY_BRIDGE, SERVICE, toy};

    fn whole(
        handler: &str,
        dependencies: &[(&str, &str)],
    ) -> Result<(Inspection, Vec<String>), ComposeError> {
        let dependencies =
            dependencies.iter().map(|(name, world)| ((*name).to_owned(), toy(world)));
        let mut notes = Vec::new();
        let bytes =
            compose_with(&toy(TOY_BRIDGE), toy(handler), dependencies.collect(), &mut notes)?;
        Component::check(bytes.clone()).unwrap();
        Ok((Inspection::of(&bytes).unwrap(), notes))
    }

    const STORE: (&str, &str) = ("store.wasm", "export local:store/counter@1.0.0;");

    #[test]
    fn a_handler_of_the_sdk_speaks_http_by_the_bridge() {
        let (inspection, notes) = whole(SERVICE, &[]).unwrap();
        assert_eq!(inspection.world, Some("wasi:http/proxy"));
        assert!(inspection.imports.iter().all(|name| name.starts_with("wasi:")), "{inspection:?}");
        assert_eq!(inspection.exports.len(), 1, "{inspection:?}");
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn dependencies_fill_imports_and_may_have_their_own() {
        let handler = format!("{SERVICE} import local:store/counter@1.0.0;");
        let store =
            ("store.wasm", "export local:store/counter@1.0.0; import local:clock/time@0.1.0;");
        let clock = ("clock.wasm", "export local:clock/time@0.1.0;");
        let (inspection, notes) = whole(&handler, &[store, clock]).unwrap();
        assert!(inspection.imports.iter().all(|name| name.starts_with("wasi:")), "{inspection:?}");
        assert!(notes.is_empty(), "{notes:?}");
        let (inspection, _) = whole(&handler, &[store]).unwrap();
        assert!(inspection.imports.contains("local:clock/time@0.1.0"), "{inspection:?}");
    }

    #[test]
    fn a_handler_of_http_needs_no_bridge() {
        let http = "export wasi:http/incoming-handler@0.2.12;";
        let (inspection, _) = whole(http, &[]).unwrap();
        assert_eq!(inspection.world, Some("wasi:http/proxy"));
        let handler = format!("{http} import local:store/counter@1.0.0;");
        let (inspection, notes) = whole(&handler, &[STORE]).unwrap();
        assert_eq!(inspection.world, Some("wasi:http/proxy"));
        assert!(!inspection.imports.contains("local:store/counter@1.0.0"), "{inspection:?}");
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn a_dependency_that_fills_nothing_is_told_and_left_out() {
        let (inspection, notes) = whole(SERVICE, &[STORE]).unwrap();
        assert_eq!(inspection.exports.len(), 1);
        assert_eq!(notes, ["store.wasm fills no import: it is left out"]);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let refused = |handler: &str, dependencies: &[(&str, &str)]| {
            whole(handler, dependencies).map(drop).unwrap_err().to_string()
        };
        let none = refused("export local:store/counter@1.0.0;", &[]);
        assert!(none.contains("it exports local:store/counter@1.0.0"), "{none}");
        let none = refused("import local:store/counter@1.0.0;", &[]);
        assert!(none.contains("it exports nothing"), "{none}");
        let handler = format!("{SERVICE} import local:store/counter@1.0.0;");
        let two = refused(&handler, &[STORE, ("other.wasm", STORE.1)]);
        assert!(
            two.starts_with("store.wasm and other.wasm both export local:store/counter"),
            "{two}"
        );
        let circle = [
            ("a.wasm", "export local:store/counter@1.0.0; import local:clock/time@0.1.0;"),
            ("b.wasm", "export local:clock/time@0.1.0; import local:store/counter@1.0.0;"),
        ];
        let circle = refused(&handler, &circle);
        assert!(circle.contains("depends on itself"), "{circle}");
    }

    #[test]
    fn an_interface_of_one_name_and_another_shape_is_told() {
        let handler = toy(&format!("{SERVICE} import local:store/counter@1.0.0;"));
        // The same name, by hand: `next` gives a text.
        let other = wat::parse_str(
            r#"(component
                (core module $m
                    (memory (export "memory") 1)
                    (func (export "next") (result i32) unreachable))
                (core instance $i (instantiate $m))
                (alias core export $i "memory" (core memory $memory))
                (func $next (result string)
                    (canon lift (core func $i "next") (memory $memory)))
                (instance $counter (export "next" (func $next)))
                (export "local:store/counter@1.0.0" (instance $counter)))"#,
        );
        let dependencies = vec![("text.wasm".to_owned(), other.unwrap())];
        let error = compose_with(&toy(TOY_BRIDGE), handler, dependencies, &mut Vec::new());
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("text.wasm does not fit local:store/counter@1.0.0: "), "{error}");
    }

    #[test]
    fn the_bridge_of_this_binary_takes_the_interface_of_the_sdk() {
        let mut notes = Vec::new();
        let bytes = compose_with(BRIDGE, toy(SERVICE), Vec::new(), &mut notes).unwrap();
        let inspection = Inspection::of(&bytes).unwrap();
        assert_eq!(inspection.world, Some("wasi:http/proxy"));
    }
}
