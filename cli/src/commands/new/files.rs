//! The files of the templates, which are part of the binary.

use super::Order;
use super::template::Template;

/// A file of a template: where it comes to lie, and what it holds.
#[derive(Debug)]
struct File {
    path: &'static str,
    content: &'static [u8],
    /// Where it lies below `templates/`.
    #[cfg(test)]
    source: &'static str,
}

/// A file of a project.
#[derive(Debug)]
pub(super) struct Written {
    /// From the project's folder.
    pub(super) path: String,
    pub(super) content: Vec<u8>,
}

/// The files of a folder of `templates/`.
///
/// A name of their own have those that cargo or git would take for theirs: with a `Cargo.toml` in it a folder is no
/// part of this package, and a `.gitignore` would hold for it.
macro_rules! files {
    ($folder:literal: $($name:literal $(as $path:literal)?),+ $(,)?) => {
        &[$(File {
            path: files!(@path $name $($path)?),
            content: include_bytes!(concat!("../../../templates/", $folder, "/", $name)),
            #[cfg(test)]
            source: concat!($folder, "/", $name),
        }),+]
    };
    (@path $name:literal $path:literal) => { $path };
    (@path $name:literal) => { $name };
}

const RUST: &[File] = files!["rust":
    "Cargo.toml.in" as "Cargo.toml", "README.md", "gitignore.in" as ".gitignore", "mik.toml", "src/lib.rs",
];

const RUST_WASI: &[File] = files!["rust-wasi":
    "Cargo.toml.in" as "Cargo.toml", "README.md", "gitignore.in" as ".gitignore", "mik.toml", "src/main.rs",
];

const JS: &[File] = files!["js":
    "README.md", "gitignore.in" as ".gitignore", "mik.toml", "package.json", "src/handler.js", "src/respond.js",
    "test/respond.test.js",
];

const TS: &[File] = files!["ts":
    "README.md", "gitignore.in" as ".gitignore", "mik.toml", "package.json", "src/handler.ts", "src/respond.ts",
    "test/respond.test.ts", "tsconfig.json",
];

const PYTHON: &[File] = files!["python":
    "README.md", "app.py", "gitignore.in" as ".gitignore", "greeting.py", "mik.toml", "requirements.txt",
    "test_greeting.py",
];

const SCRIPTS: &[File] = files!["scripts":
    "README.md", "gitignore.in" as ".gitignore", "mik.toml", "modules/gitkeep.in" as "modules/.gitkeep",
    "scripts/hello.ts", "scripts/lib/greeting.ts", "scripts/overview.ts", "tsconfig.json",
];

const C: &[File] = files!["c":
    "README.md", "gitignore.in" as ".gitignore", "mik.toml", "src/handler.c", "src/service.c", "src/service.h",
    "src/service_component_type.o",
];

/// The interfaces that a handler on plain `wasi:http` is built against, for the tools that want them as files.
const WASI_HTTP: &[File] = files!["wit":
    "handler.wit" as "wit/handler.wit", "deps/clocks.wit" as "wit/deps/clocks.wit",
    "deps/http.wit" as "wit/deps/http.wit", "deps/io.wit" as "wit/deps/io.wit",
    "deps/random.wit" as "wit/deps/random.wit",
];

/// Those that a handler is built against which the HTTP bridge turns into one on `wasi:http`.
const SDK_WIT: &[File] = files!["sdk-wit":
    "core.wit" as "wit/core.wit", "deps/clocks.wit" as "wit/deps/clocks.wit",
    "deps/http.wit" as "wit/deps/http.wit", "deps/io.wit" as "wit/deps/io.wit",
    "deps/random.wit" as "wit/deps/random.wit",
];

/// What the files say where the name of the project belongs.
const NAME: &str = "{{name}}";
/// The same as a key of TOML.
const KEY: &str = "{{key}}";

/// The files of a new project, all that it is made of but the SDK and the repository.
pub(super) fn of(order: &Order) -> Vec<Written> {
    let files = embedded(order.template).into_iter().flatten().map(|file| Written {
        path: file.path.to_owned(),
        content: filled_in(file.content, &order.name),
    });
    files.chain(types(order.template)).collect()
}

fn embedded(template: Template) -> Vec<&'static [File]> {
    match template {
        Template::Rust => vec![RUST],
        Template::RustWasi => vec![RUST_WASI],
        Template::Js => vec![JS, WASI_HTTP],
        Template::Ts => vec![TS, WASI_HTTP],
        Template::Python => vec![PYTHON, WASI_HTTP],
        Template::C => vec![C, SDK_WIT],
        Template::Scripts => vec![SCRIPTS],
    }
}

/// What scripts find, as this binary has it.
#[cfg(feature = "javascript")]
fn types(template: Template) -> Option<Written> {
    let content = mik_javascript::TYPES.as_bytes().to_owned();
    (template == Template::Scripts).then(|| Written { path: "mik.d.ts".to_owned(), content })
}

#[cfg(not(feature = "javascript"))]
fn types(_: Template) -> Option<Written> {
    None
}

/// A file with the name of the project in its places. What is no text has none.
fn filled_in(content: &[u8], name: &str) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(content) else { return content.to_owned() };
    let key = if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() };
    text.replace(NAME, name).replace(KEY, &key).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn order(template: Template, name: &str) -> Order {
        Order { path: PathBuf::from(name), name: name.to_owned(), template, git: true }
    }

    fn text(files: &[Written], path: &str) -> String {
        let file = files.iter().find(|file| file.path == path);
        let file = file.unwrap_or_else(|| panic!("no {path} in {files:?}"));
        String::from_utf8(file.content.clone()).unwrap()
    }

    #[test]
    fn every_project_says_what_it_is_and_how_it_goes_on() {
        for template in Template::ALL {
            let files = of(&order(template, "v1-api"));
            let readme = text(&files, "README.md");
            assert!(readme.starts_with("# v1-api\n"), "{template}: {readme}");
            for part in ["mik dev", "curl http://127.0.0.1:3000/", "mik run"] {
                assert!(readme.contains(part), "{template}: {part}");
            }
            assert!(text(&files, ".gitignore").contains("/dist/"), "{template}");
            let config: toml::Table = text(&files, "mik.toml").parse().unwrap();
            assert_eq!(config["project"]["name"].as_str(), Some("v1-api"), "{template}");
        }
    }

    #[test]
    fn no_placeholder_is_left_and_none_is_written_that_is_unknown() {
        for template in Template::ALL {
            for file in of(&order(template, "shop")) {
                let text = String::from_utf8_lossy(&file.content);
                assert!(!text.contains("{{"), "{template}: {}", file.path);
            }
        }
    }

    #[test]
    fn a_name_with_a_dot_is_quoted_where_it_is_a_key() {
        let config = text(&of(&order(Template::Js, "v1.2")), "mik.toml");
        assert!(config.contains("# [modules.\"v1.2\"]"), "{config}");
        // What is commented out must be right as well.
        let config =
            config.replace("# [", "[").replace("# env", "env").replace("# allowed", "allowed");
        let config: toml::Table = config.parse().unwrap();
        assert!(config["modules"]["v1.2"]["env"].is_table(), "{config:?}");
    }

    #[test]
    fn every_file_of_the_templates_is_written() {
        let mut listed = BTreeSet::new();
        for template in Template::ALL {
            listed.extend(
                embedded(template).into_iter().flatten().map(|file| file.source.to_owned()),
            );
            let files = of(&order(template, "shop"));
            let paths: BTreeSet<_> = files.iter().map(|file| &file.path).collect();
            assert_eq!(paths.len(), files.len(), "{template} writes a file twice");
        }
        let mut there = BTreeSet::new();
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        collect(&templates, &templates, &mut there);
        assert_eq!(listed, there, "the lists of this module and the folder differ");
    }

    fn collect(folder: &Path, templates: &Path, into: &mut BTreeSet<String>) {
        for path in folder.read_dir().unwrap().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                collect(&path, templates, into);
            } else {
                into.insert(path.strip_prefix(templates).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
}
