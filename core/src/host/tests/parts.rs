//! An engine, an orchestrator and a middleware small enough to see through.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;

use crate::{
    Body, BoxFuture, Call, CallError, Capabilities, Engine, ErrorKind, LoadError, Middleware,
    Module, ModuleSource, Next, Orchestrator, Request, Response, Rings, Script, ScriptSource,
    SendOptions,
};

/// An engine whose modules are texts: `say TEXT`, `path`, `echo`, `call URL`, `panic`, `fail`, `wait`, `slow` (to
/// load), `broken` (does not load).
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub(super) loads: Arc<AtomicUsize>,
}

struct Text(String);

impl Engine for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let text =
            String::from_utf8(source.bytes.to_vec()).map_err(|e| LoadError::new(e.to_string()))?;
        match text.as_str() {
            "broken" => return Err(LoadError::new("it is broken")),
            "slow" => std::thread::sleep(Duration::from_millis(300)),
            _ => {}
        }
        Ok(Arc::new(Text(text)))
    }
}

impl Module for Text {
    fn footprint(&self) -> usize {
        1_000
    }

    fn handle(self: Arc<Self>, request: Request, call: Call) -> BoxFuture<'static, Answer> {
        Box::pin(async move {
            let (verb, rest) = self.0.split_once(' ').unwrap_or((&self.0, ""));
            match verb {
                "say" | "slow" => Ok(Response::new(Body::from(format!("{rest}\n")))),
                "path" => Ok(Response::new(Body::from(format!("{}\n", request.uri())))),
                "echo" => {
                    let body = request.into_body().collect().await?.to_bytes();
                    Ok(Response::new(Body::from(body)))
                }
                "header" => {
                    let value = request.headers().get(rest).cloned();
                    let value = value.map(|value| value.to_str().unwrap_or_default().to_owned());
                    Ok(Response::new(Body::from(value.unwrap_or_default())))
                }
                "call" => call.send(get(rest), SendOptions::default()).await,
                "panic" => panic!("on purpose"),
                "wait" => std::future::pending().await,
                _ => Err(CallError::Trap("on purpose".into())),
            }
        })
    }
}

type Answer = Result<Response, CallError>;

/// An orchestrator whose scripts are lines: a URL is called, and the answers are joined; `import FILE` (at load)
/// needs a file below the root, whose lines go on; `modules` lists what it may call; `throw TEXT` fails;
/// `broken` does not load.
#[derive(Clone, Default)]
pub(super) struct Scripts {
    pub(super) loads: Arc<AtomicUsize>,
    pub(super) trouble: Arc<Mutex<Option<String>>>,
}

struct Lines {
    lines: Vec<String>,
    files: Vec<PathBuf>,
}

impl Orchestrator for Scripts {
    fn name(&self) -> &str {
        "lines"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, source: ScriptSource<'_>) -> Result<Arc<dyn Script>, LoadError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let mut files = Vec::new();
        match lines_of(source.text, source.root, &mut files) {
            Ok(lines) => Ok(Arc::new(Lines { lines, files })),
            Err(reason) => Err(LoadError::new(reason).with_files(files)),
        }
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap().clone()
    }
}

fn lines_of(text: &str, root: &Path, files: &mut Vec<PathBuf>) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("broken", _) => return Err("it is broken".to_owned()),
            ("import", file) => {
                let path = root.join(file);
                files.push(path.clone());
                let text = std::fs::read_to_string(&path).map_err(|e| format!("{file}: {e}"))?;
                lines.extend(lines_of(&text, root, files)?);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    Ok(lines)
}

impl Script for Lines {
    fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }

    fn run(self: Arc<Self>, _: Request, call: Call) -> BoxFuture<'static, Answer> {
        Box::pin(async move {
            let mut joined = String::new();
            for line in &self.lines {
                joined += &match line.split_once(' ').unwrap_or((line, "")) {
                    ("modules", _) => format!("{:?}\n", call.modules()),
                    ("throw", text) => return Err(CallError::Script { message: text.into() }),
                    (url, _) => {
                        let response = call.send(get(url), SendOptions::default()).await?;
                        super::read(response).await.1
                    }
                };
            }
            Ok(Response::new(Body::from(joined)))
        })
    }
}

fn get(uri: &str) -> Request {
    http::Request::get(uri).body(Body::empty()).unwrap()
}

/// A middleware that notes what passes, and tries a failed call again where it is told to.
#[derive(Clone)]
pub(super) struct Notes {
    pub(super) name: &'static str,
    pub(super) rings: Rings,
    pub(super) tries: usize,
    pub(super) seen: Arc<Mutex<Vec<String>>>,
}

impl Notes {
    pub(super) fn new(name: &'static str, rings: Rings) -> Self {
        Self { name, rings, tries: 1, seen: Arc::default() }
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Middleware for Notes {
    fn name(&self) -> &str {
        self.name
    }

    fn rings(&self) -> Rings {
        self.rings
    }

    fn handle<'a>(&'a self, request: Request, call: Call, next: Next) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let route = call.matched().route.clone();
            let mut result = Err(CallError::Draining);
            for _ in 0..self.tries {
                let (head, body) = (request.uri().clone(), request.body().try_clone());
                let mut again = http::Request::new(body.unwrap_or_default());
                *again.uri_mut() = head;
                result = next.clone().run(again, call.clone()).await;
                let kind = match &result {
                    Ok(response) => response.extensions().get::<ErrorKind>().copied(),
                    Err(error) => Some(error.kind()),
                };
                let typed = if result.is_err() { "error" } else { "response" };
                let kind = kind.map_or("ok", ErrorKind::as_str);
                self.seen.lock().unwrap().push(format!("{} {route} {typed} {kind}", self.name));
            }
            result
        })
    }
}
