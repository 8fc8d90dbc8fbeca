//! Files of a folder.

mod coding;
mod conditions;
mod file;
mod folder;
mod path;
mod range;
mod site;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderValue;
use mik_core::values::Text;
use mik_core::{
    BoxFuture, Call, CallError, Endpoint, Middleware, Next, Request, Response, Rings, RoutePath,
    Settings, SettingsError,
};
use schemars::JsonSchema;
use serde::Deserialize;

use coding::Coding;
use folder::Folder;
use path::FilePath;
use site::Site;

use crate::field::FieldValue;
use crate::table::{Made, schema_of};

/// Serves the files of a folder at `/static/*`, to GET and HEAD.
///
/// - The content type is told by the extension, and text is taken for UTF-8. `x-content-type-options: nosniff`
///   keeps browsers from guessing another.
/// - Answers carry a strong `etag` and `last-modified`, and preconditions are evaluated (RFC 9110, section
///   13). The tag is made of inode, times and length, so behind several hosts each has its own. Replace a file
///   by renaming a new one over it: then what is on its way out stays the old file whole. One that is written
///   to in place breaks off answers that are on their way.
/// - One range of bytes is answered with 206 (RFC 9110, section 14), one past the end with 416; several at
///   once, and what is no range, with the whole file.
/// - Where `FILE.br`, `FILE.zst` or `FILE.gz` lies beside FILE, is not older, and the client accepts it, that is
///   sent with its `content-encoding`. Nothing is compressed here.
/// - A folder is answered with its index file, and nothing lists it. Without its slash it is redirected to the
///   path with one.
/// - Only regular files below the folder are served. No link leads out of it, and a path that means anything
///   but a file in it (`..`, backslashes, encoded slashes, drive letters) is not found.
///
/// ```toml
/// [middleware.static]
/// root = "public/"                          # the folder; there is no default
/// path = "/static"                          # where it is served
/// index = ["index.html"]                    # [] for none
/// cache_control = "no-cache"                # "" sends none
/// precompressed = ["br", "zstd", "gzip"]    # in order of preference; [] for none
/// dotfiles = false                          # whether names that start with a dot are served
/// fallback = "index.html"                   # for paths without extension that are not there; default: none
/// ```
///
/// `static = "public/"` below `[middleware]` means `root` alone.
///
/// Ring: none; it is an endpoint, behind the whole edge ring. In Rust: `StaticFiles::new("public/")?`.
#[derive(Debug, Clone)]
pub struct StaticFiles {
    site: Site,
}

/// `[middleware.static]`: files of a folder.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// The folder whose files are served. There is no default.
    root: Option<PathBuf>,
    /// The path below which they are served.
    #[schemars(extend("default" = MOUNT))]
    path: Text<RoutePath>,
    /// The files that answer for a folder, the first that is there; [] for none.
    index: Vec<String>,
    /// The `cache-control` of files; "" sends none. "no-cache" lets browsers keep a file, but ask each time
    /// whether it is still the same.
    #[schemars(extend("default" = "no-cache"))]
    cache_control: Text<FieldValue>,
    /// The codings in which a file may lie beside the file itself (FILE.br, FILE.zst, FILE.gz), in order of
    /// preference; [] for none.
    #[schemars(extend("default" = ["br", "zstd", "gzip"]))]
    precompressed: Vec<Coding>,
    /// Whether files and folders are served whose names start with a dot. `.well-known` always is.
    dotfiles: bool,
    /// The file that answers for paths that are not there and whose last segment has no dot: the page of a
    /// single-page application. Default: none.
    fallback: Option<String>,
}

const MOUNT: &str = "/static";
const INDEX: &str = "index.html";
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("no-cache");

impl Default for Table {
    fn default() -> Self {
        Self {
            root: None,
            path: Text(mount()),
            index: vec![INDEX.to_owned()],
            cache_control: Text(FieldValue(CACHE_CONTROL)),
            precompressed: Coding::ALL.into(),
            dotfiles: false,
            fallback: None,
        }
    }
}

impl StaticFiles {
    /// Serves the files of `root` at `/static/*`.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be opened.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let site = Site {
            folder: Arc::new(Folder::open(root.into())?),
            mount: mount(),
            index: FilePath::plain(INDEX).into_iter().collect(),
            cache_control: Some(CACHE_CONTROL),
            precompressed: Coding::ALL.into(),
            dotfiles: false,
            fallback: None,
        };
        Ok(Self { site })
    }

    /// Serves them below another path.
    #[must_use]
    pub fn at(mut self, path: RoutePath) -> Self {
        self.site.mount = path;
        self
    }

    /// The files that answer for a folder, the first that is there. Default: `index.html`.
    #[must_use]
    pub fn index(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let names = names.into_iter();
        self.site.index = names.filter_map(|name| FilePath::plain(name.as_ref())).collect();
        self
    }

    /// The `cache-control` of files. Default: `no-cache`.
    #[must_use]
    pub fn cache_control(mut self, value: Option<HeaderValue>) -> Self {
        self.site.cache_control = value;
        self
    }

    /// Whether compressed files that lie beside the files themselves are sent. Default: they are.
    #[must_use]
    pub fn precompressed(mut self, is_on: bool) -> Self {
        self.site.precompressed = if is_on { Coding::ALL.into() } else { Vec::new() };
        self
    }

    /// Whether files and folders are served whose names start with a dot. Default: they are not.
    #[must_use]
    pub fn dotfiles(mut self, is_on: bool) -> Self {
        self.site.dotfiles = is_on;
        self
    }

    /// The file that answers for paths that are not there and whose last segment has no dot. Default: none.
    #[must_use]
    pub fn fallback(mut self, file: &str) -> Self {
        self.site.fallback = FilePath::plain(file);
        self
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let table: Table = settings.parse()?;
        let Some(root) = table.root else {
            return Err(SettingsError::new(
                "it needs `root`: the folder to serve, such as root = \"public/\"",
            ));
        };
        let root = settings.resolve(&root);
        let folder = Folder::open(root.clone()).map_err(|error| {
            let root = root.display();
            let message = format!("root = {root:?} cannot be served: {error}");
            SettingsError::new(message).of_key("root")
        })?;
        let value = table.cache_control.0.0;
        let index = table.index.iter().map(|name| plain("index", name));
        let site = Site {
            folder: Arc::new(folder),
            mount: table.path.0,
            index: index.collect::<Result<_, _>>()?,
            cache_control: Some(value).filter(|value| !value.is_empty()),
            precompressed: table.precompressed,
            dotfiles: table.dotfiles,
            fallback: table.fallback.map(|file| plain("fallback", &file)).transpose()?,
        };
        Ok(Arc::new(Self { site }))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }
}

fn mount() -> RoutePath {
    RoutePath::new(MOUNT).unwrap_or_else(|_| RoutePath::root())
}

fn plain(key: &'static str, path: &str) -> Result<FilePath, SettingsError> {
    FilePath::plain(path).ok_or_else(|| {
        let message = format!("{key} names {path:?}: write a file below root, such as {INDEX:?}");
        SettingsError::new(message).of_key(key)
    })
}

impl Middleware for StaticFiles {
    fn name(&self) -> &str {
        "static"
    }

    fn rings(&self) -> Rings {
        Rings::NONE
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        next.run(request, call)
    }

    fn endpoint(&self) -> Option<Endpoint> {
        let site = Arc::new(self.site.clone());
        let mount = site.mount.clone();
        let answer = move |request: Request, _| answer(site.clone(), request);
        Some(Endpoint::new("static", mount, answer).subtree())
    }
}

/// Answers off the worker: whatever touches a file system may wait for it.
async fn answer(site: Arc<Site>, request: Request) -> Result<Response, CallError> {
    CallError::unless_read(request.method())?;
    let (head, _) = request.into_parts();
    match tokio::task::spawn_blocking(move || site.answer(&head)).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is coming to its end.
            Err(_) => Err(CallError::Draining),
        },
    }
}
