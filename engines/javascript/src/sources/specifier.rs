//! What stands behind `from` in an import.

/// Packages that come with Node.js and have no prefix.
const OF_NODE: &str = "assert async_hooks buffer child_process cluster crypto dgram dns events fs http http2 https \
     module net os path perf_hooks process querystring readline stream string_decoder timers tls url util v8 vm \
     worker_threads zlib";

/// Why an import cannot be: a reason and advice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) help: &'static str,
}

/// The name, relative to the root, of the file that `specifier` means in the file `from`.
///
/// # Errors
/// Why a script may not import it.
pub(super) fn name_of(from: &str, specifier: &str) -> Result<String, Refusal> {
    if let Some(refusal) = refused(specifier) {
        return Err(refusal);
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    below_root(folder, specifier).ok_or_else(|| Refusal {
        reason: format!("cannot import `{specifier}`: it lies outside of the scripts folder"),
        help: "scripts import files below the scripts folder only",
    })
}

/// Whether `name` is one that [`name_of`] gives.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && below_root("", name).as_deref() == Some(name)
}

/// `path`, seen from `folder`, without `.` and `..`; `None` where it leaves the root.
fn below_root(folder: &str, path: &str) -> Option<String> {
    let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    Some(segments.join("/"))
}

fn refused(specifier: &str) -> Option<Refusal> {
    let is_relative = |specifier: &str| {
        specifier.starts_with("./")
            || specifier.starts_with("../")
            || matches!(specifier, "." | "..")
    };
    if is_relative(specifier) {
        return None;
    }
    let package = specifier.split('/').next().unwrap_or(specifier);
    let scheme = specifier.split_once(':').map(|(scheme, _)| scheme);
    let (what, help) = match scheme {
        Some("node" | "bun" | "deno") => ("is not there: this is not Node.js", NO_NODE),
        None if OF_NODE.split(' ').any(|name| name == package) => {
            ("is not there: this is not Node.js", NO_NODE)
        }
        Some("cloudflare") => ("is not there: it is Cloudflare's", NO_NODE),
        Some("npm" | "jsr") => ("is a package", BUNDLE),
        Some(_) => (
            "is a URL",
            "scripts import files below the scripts folder only, by relative paths: copy it there",
        ),
        None if specifier == "mik" => ("has types only", "write `import type { … } from \"mik\"`"),
        None if specifier.starts_with('/') => (
            "is an absolute path",
            "scripts import files below the scripts folder only, by relative paths, as in `./price.ts`",
        ),
        None => ("is a package", BUNDLE),
    };
    Some(Refusal { reason: format!("cannot import `{specifier}`: it {what}"), help })
}

const NO_NODE: &str = "a script has the classes of the web (URL, Request, TextEncoder, crypto …) and its modules to call, no files \
     and no network: `mik types` writes out what there is";

const BUNDLE: &str = "scripts import files below the scripts folder only, by relative paths, as in `./price.ts`; a package must \
     be bundled into such a file first, as with `esbuild --bundle --format=esm`";
