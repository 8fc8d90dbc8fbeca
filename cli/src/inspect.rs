//! What a component says of itself: its world, its WASI versions, its imports.

use std::collections::BTreeSet;

use mik_core::{Grants, ModuleGrant, ModuleName};
use serde::Serialize;
use wasmparser::{Parser, Payload};

/// A component as its binary describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// `wasi:http/proxy` (WASI 0.2), `wasi:http/service` (WASI 0.3), or `None` for neither.
    pub world: Option<&'static str>,
    /// The versions of WASI that it was built for, lowest first.
    pub wasi: BTreeSet<String>,
    /// What it imports, by full name.
    pub imports: BTreeSet<String>,
    /// What it exports, by full name.
    pub exports: BTreeSet<String>,
}

/// Something beyond computing, such as a group of imports, and what a module or script has of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Access {
    /// What it is about.
    pub what: &'static str,
    /// Whether any of it is granted.
    pub granted: bool,
    /// What is granted, or why nothing is.
    pub how: String,
}

impl Inspection {
    /// Reads the binary of a component.
    ///
    /// # Errors
    /// What is wrong with the binary, in words.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        if Parser::is_core_wasm(bytes) {
            return Err(
                "a core module, not a component: build it for the target wasm32-wasip2".into()
            );
        }
        if !Parser::is_component(bytes) {
            return Err("no WebAssembly component: it does not begin like one".into());
        }
        let mut inspection = Self::default();
        let mut depth = 0_usize;
        let broken = |error: wasmparser::BinaryReaderError| format!("no valid component: {error}");
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(broken)? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        inspection.imports.insert(import.map_err(broken)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        inspection.exports.insert(export.map_err(broken)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        let names = inspection.imports.iter().chain(&inspection.exports);
        let versions = names.filter_map(|name| name.strip_prefix("wasi:")?.split_once('@'));
        inspection.wasi = versions.map(|(_, version)| version.to_owned()).collect();
        let exports =
            |interface: &str| inspection.exports.iter().any(|name| name.starts_with(interface));
        inspection.world = if exports("wasi:http/incoming-handler@0.2.") {
            Some("wasi:http/proxy")
        } else if exports("wasi:http/handler@0.3.") {
            Some("wasi:http/service")
        } else {
            None
        };
        Ok(inspection)
    }

    /// What a module with these grants has of what it imports, beyond computing.
    pub fn access(&self, grants: &Grants) -> Vec<Access> {
        let mut all = Vec::new();
        let calls = self.has("wasi:http/outgoing-handler") || self.has("wasi:http/client");
        if calls || !grants.allowed_hosts.is_empty() {
            all.push(match grants.allowed_hosts.is_empty() {
                true => denied("outgoing http", "denied: allowed_hosts is empty"),
                false => granted("outgoing http", grants.allowed_hosts.to_string()),
            });
        }
        if self.has("wasi:cli/environment") || !grants.env.is_empty() {
            let names: Vec<_> = grants.env.iter().map(|(name, _)| name.as_str()).collect();
            all.push(match names.is_empty() {
                true => denied("environment", "empty"),
                false => granted("environment", names.join(", ")),
            });
        }
        for (what, package) in [("file system", "wasi:filesystem/"), ("sockets", "wasi:sockets/")] {
            if self.has(package) {
                all.push(denied(what, "linked, nothing granted"));
            }
        }
        let foreign: Vec<_> = self
            .imports
            .iter()
            .map(String::as_str)
            .filter(|name| !name.starts_with("wasi:"))
            .collect();
        if !foreign.is_empty() {
            all.push(denied("other imports", &format!("not there: {}", foreign.join(", "))));
        }
        all
    }

    fn has(&self, prefix: &str) -> bool {
        self.imports.iter().any(|name| name.starts_with(prefix))
    }
}

impl Access {
    /// What a script has beyond computing.
    pub fn of_script(grants: &Grants) -> Vec<Self> {
        let calls = match &grants.modules {
            ModuleGrant::All => granted("modules", "all".to_owned()),
            ModuleGrant::Only(names) if !names.is_empty() => {
                let names: Vec<_> = names.iter().map(ModuleName::as_str).collect();
                granted("modules", names.join(", "))
            }
            ModuleGrant::Only(_) | ModuleGrant::None => denied("modules", "none"),
        };
        let names: Vec<_> = grants.env.iter().map(|(name, _)| name.as_str()).collect();
        let env = match names.is_empty() {
            true => denied("environment", "empty"),
            false => granted("environment", names.join(", ")),
        };
        vec![calls, env]
    }
}

fn granted(what: &'static str, how: String) -> Access {
    Access { what, granted: true, how }
}

fn denied(what: &'static str, how: &str) -> Access {
    Access { what, granted: false, how: how.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_told() {
        assert!(Inspection::of(b"").is_err());
        assert!(Inspection::of(b"not wasm").unwrap_err().contains("no WebAssembly component"));
        assert!(
            Inspection::of(b"\0asm\x0d\0\x01\0\x0b").unwrap_err().contains("no valid component")
        );
        assert!(Inspection::of(b"\0asm\x01\0\0\0").unwrap_err().contains("core module"));
        let empty = Inspection::of(b"\0asm\x0d\0\x01\0").unwrap();
        assert_eq!((empty.world, empty.imports.len()), (None, 0));
    }

    #[test]
    fn nothing_is_granted_unasked() {
        let names = [
            "wasi:http/outgoing-handler@0.2.3",
            "wasi:cli/environment@0.2.3",
            "wasi:filesystem/types@0.2.3",
        ];
        let imports = names.map(ToOwned::to_owned).into();
        let inspection = Inspection { imports, ..Inspection::default() };
        let access = inspection.access(&Grants::default());
        assert_eq!(access.len(), 3);
        assert!(access.iter().all(|access| !access.granted), "{access:?}");
        let env = vec![("KEY".to_owned(), "secret".to_owned())];
        let allowed_hosts = ["a.example".parse().unwrap()].into_iter().collect();
        let access = inspection.access(&Grants { env, allowed_hosts, ..Grants::default() });
        assert_eq!(access[0].how, "a.example");
        assert_eq!(access[1].how, "KEY");
        assert!(!format!("{access:?}").contains("secret"));
    }
}
