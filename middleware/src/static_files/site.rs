//! From a request to the answer: which file, which form of it, how much of it.

use std::sync::Arc;

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderValue, LAST_MODIFIED, LOCATION, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use mik_core::{BarePrefix, Body, CallError, Response, RoutePath};

use super::coding::Coding;
use super::conditions::{Validators, Verdict};
use super::file::{OpenFile, ReadError};
use super::folder::{Entry, Folder, Root};
use super::path::{FilePath, encode};
use super::range::Range;

/// How often a file that changes while it is opened and read is tried.
const ATTEMPTS: usize = 3;

/// A folder and how it is served.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) folder: Arc<Folder>,
    /// Where it is served: files are below this path.
    pub(super) mount: RoutePath,
    pub(super) index: Vec<FilePath>,
    pub(super) cache_control: Option<HeaderValue>,
    pub(super) precompressed: Vec<Coding>,
    pub(super) dotfiles: bool,
    pub(super) fallback: Option<FilePath>,
}

/// What a request is for.
enum Found {
    File(FilePath, OpenFile),
    /// A folder that has an index, named without a slash after it.
    Slash,
}

/// A file as it goes out: in a coding or plain.
struct Chosen {
    path: FilePath,
    file: OpenFile,
    coding: Option<Coding>,
}

impl Site {
    /// Answers a GET or HEAD. This reads files, so it is for a thread that may block.
    pub(super) fn answer(&self, request: &Parts) -> Result<Response, CallError> {
        let root = self.folder.root();
        for _ in 0..ATTEMPTS {
            let (path, file) = match self.find(&root, request)? {
                Found::File(path, file) => (path, file),
                Found::Slash => return Ok(self.to_slash(request)),
            };
            let chosen = self.choose(&root, path, file, &request.headers)?;
            match self.send(chosen, request) {
                // Whoever writes the file is almost done, or will be when the client asks again.
                Err(ReadError::Changed) => {}
                answer => return answer.map_err(CallError::from),
            }
        }
        Err(CallError::Overloaded("the file is being written"))
    }

    /// Finds the file that a request is for.
    fn find(&self, root: &Root, request: &Parts) -> Result<Found, CallError> {
        const NOTHING: CallError = CallError::NotFound(std::borrow::Cow::Borrowed("no such file"));
        let path = FilePath::decode(request.uri.path(), self.dotfiles).ok_or(NOTHING)?;
        let has_slash = path.is_folder() && request.extensions.get::<BarePrefix>().is_none();
        match root.find(&path)? {
            Some(Entry::File(file)) if !path.is_folder() => return Ok(Found::File(path, file)),
            Some(Entry::Folder) => {
                for name in &self.index {
                    let index = path.join(name);
                    if let Some(Entry::File(file)) = root.find(&index)? {
                        return Ok(if has_slash { Found::File(index, file) } else { Found::Slash });
                    }
                }
            }
            Some(Entry::File(_)) | None => {}
        }
        // What has an extension is a file that is missing, not a page of an application.
        let fallback = self.fallback.as_ref().filter(|_| !path.last().contains('.'));
        let Some(fallback) = fallback else { return Err(NOTHING) };
        match root.find(fallback)? {
            Some(Entry::File(file)) => Ok(Found::File(fallback.clone(), file)),
            Some(Entry::Folder) | None => Err(NOTHING),
        }
    }

    /// Picks the form of a file that the client likes best. One in a coding that is older than the file
    /// itself was made of another version.
    fn choose(
        &self,
        root: &Root,
        path: FilePath,
        file: OpenFile,
        headers: &HeaderMap,
    ) -> Result<Chosen, CallError> {
        for coding in Coding::accepted(headers, &self.precompressed) {
            let Some(sibling) = path.with_extension(coding.extension()) else { continue };
            if let Some(Entry::File(coded)) = root.find(&sibling)?
                && coded.written() >= file.written()
            {
                return Ok(Chosen { path, file: coded, coding: Some(coding) });
            }
        }
        Ok(Chosen { path, file, coding: None })
    }

    fn send(&self, chosen: Chosen, request: &Parts) -> Result<Response, ReadError> {
        let Chosen { path, file, coding } = chosen;
        let validators = Validators { tag: file.tag(), modified: file.last_modified() };
        let mut headers = HeaderMap::with_capacity(12);
        if let Some(value) = &self.cache_control {
            headers.insert(CACHE_CONTROL, value.clone());
        }
        if !self.precompressed.is_empty() {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        match validators.check(&request.headers) {
            Verdict::Go => {}
            Verdict::NotModified => {
                headers.insert(ETAG, validators.tag);
                return Ok(bodiless(StatusCode::NOT_MODIFIED, headers));
            }
            Verdict::Failed => {
                return Ok(bodiless(StatusCode::PRECONDITION_FAILED, HeaderMap::new()));
            }
        }
        let length = file.length();
        let range = match request.method == Method::GET && validators.allow_range(&request.headers)
        {
            true => Range::of(&request.headers, length),
            false => Range::Whole,
        };
        let told = range.told(length).map(|value| (CONTENT_RANGE, value));
        let (status, first, bytes) = match range {
            Range::Whole => (StatusCode::OK, 0, length),
            Range::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
            Range::Unsatisfiable => {
                let told = told.into_iter().collect();
                return Ok(bodiless(StatusCode::RANGE_NOT_SATISFIABLE, told));
            }
        };
        headers.extend(told);
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CONTENT_LENGTH, bytes.into());
        headers.insert(CONTENT_TYPE, content_type(path.last()));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(ETAG, validators.tag);
        headers.extend(coding.map(|coding| (CONTENT_ENCODING, coding.name())));
        let modified = validators.modified.map(httpdate::fmt_http_date);
        let modified = modified.and_then(|date| HeaderValue::try_from(date).ok());
        headers.extend(modified.map(|date| (LAST_MODIFIED, date)));
        let mut response = bodiless(status, headers);
        if request.method == Method::GET {
            *response.body_mut() = file.body(first, bytes)?;
        }
        Ok(response)
    }

    /// Sends a client to the same path with a slash after it, so that the links of the index mean what they
    /// should. The reference is relative: it holds whatever else is in front of this host.
    fn to_slash(&self, request: &Parts) -> Response {
        let path = match request.extensions.get::<BarePrefix>() {
            Some(_) => self.mount.as_str(),
            None => request.uri.path(),
        };
        let last = path.rsplit('/').next().unwrap_or_default();
        // What was decoded before is encoded anew, so nothing else can stand in it.
        let last = FilePath::decode(&format!("/{last}"), true);
        let last = encode(last.as_ref().map_or("", FilePath::last));
        let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let location = HeaderValue::try_from(format!("./{last}/{query}"));
        let mut headers: HeaderMap =
            location.into_iter().map(|location| (LOCATION, location)).collect();
        headers.extend(self.cache_control.clone().map(|value| (CACHE_CONTROL, value)));
        bodiless(StatusCode::MOVED_PERMANENTLY, headers)
    }
}

fn bodiless(status: StatusCode, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The media type that goes with a name. Text is taken for UTF-8.
fn content_type(name: &str) -> HeaderValue {
    let guess = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    let is_text = guess.starts_with("text/")
        || matches!(guess, "application/javascript" | "application/json");
    match is_text {
        true => HeaderValue::try_from(format!("{guess}; charset=utf-8"))
            .unwrap_or(HeaderValue::from_static("text/plain")),
        false => HeaderValue::from_static(guess),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_type() {
        for (name, expected) in [
            ("a.html", "text/html; charset=utf-8"),
            ("a.HTML", "text/html; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "application/javascript; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.svg", "image/svg+xml"),
            ("a.png", "image/png"),
            ("a.wasm", "application/wasm"),
            ("a.woff2", "font/woff2"),
            ("a.min.js", "text/javascript; charset=utf-8"),
            ("a.tar.gz", "application/gzip"),
            ("a", "application/octet-stream"),
            ("a.unheard", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }
}
