//! What the tests of all middleware stand on: a host whose modules are closures.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use http_body_util::BodyExt;
use mik_core::{
    Body, BoxFuture, Call, CallError, Capabilities, Engine, Host, HostBuilder, LoadError,
    Middleware, Module, ModuleSource, Registry, Request, Response,
};

type Answer = BoxFuture<'static, Result<Response, CallError>>;
type Handler = Arc<dyn Fn(Request, Call) -> Answer + Send + Sync>;

/// A host under construction: modules that are closures, behind middleware made from a `mik.toml`.
#[derive(Default)]
pub(crate) struct Rig {
    modules: HashMap<String, Handler>,
    middleware: Vec<Arc<dyn Middleware>>,
}

/// A host and the folder that it serves.
pub(crate) struct Served {
    pub(crate) host: Host,
    _files: tempfile::TempDir,
}

impl Rig {
    /// Adds the module `name`.
    pub(crate) fn module<F, A>(mut self, name: &str, handler: F) -> Self
    where
        F: Fn(Request, Call) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response, CallError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request, call| Box::pin(handler(request, call)));
        self.modules.insert(name.to_owned(), handler);
        self
    }

    /// Adds the module `name`, which always says `text`.
    pub(crate) fn says(self, name: &str, text: &'static str) -> Self {
        self.module(name, move |_, _| async move { Ok(Response::new(Body::from(text))) })
    }

    /// Adds a middleware.
    pub(crate) fn with(mut self, middleware: impl Middleware + 'static) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Adds the middleware `name` as a registry makes it by this `mik.toml`.
    pub(crate) fn made(self, name: &str, document: &str) -> Self {
        self.made_by(&registry(), name, document)
    }

    /// The same by this registry.
    pub(crate) fn made_by(mut self, registry: &Registry, name: &str, document: &str) -> Self {
        self.middleware.push(make_by(registry, name, document).unwrap());
        self
    }

    pub(crate) fn build(self) -> Served {
        self.build_with(|builder| builder)
    }

    /// Builds it with something more said to the builder.
    pub(crate) fn build_with(self, more: impl FnOnce(HostBuilder) -> HostBuilder) -> Served {
        let files = tempfile::tempdir().unwrap();
        for name in self.modules.keys() {
            std::fs::write(files.path().join(name).with_extension("wasm"), name).unwrap();
        }
        let mut builder = Host::builder().engine(Closures(self.modules)).modules_dir(files.path());
        for middleware in self.middleware {
            builder = builder.shared_middleware(middleware);
        }
        Served { host: more(builder).build().unwrap(), _files: files }
    }
}

/// All that are compiled in.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    crate::register(&mut registry);
    registry
}

/// The middleware `name` as a registry makes it by this `mik.toml`; what is wrong as text.
pub(crate) fn make(name: &str, document: &str) -> Result<Arc<dyn Middleware>, String> {
    make_by(&registry(), name, document)
}

fn make_by(registry: &Registry, name: &str, document: &str) -> Result<Arc<dyn Middleware>, String> {
    let settings = mik_core::Settings::at(document, &["middleware", name]);
    registry.make_middleware(name, &settings).map_err(|error| error.to_string())
}

impl Served {
    /// The answer to a request from 192.0.2.1.
    pub(crate) async fn send(&self, request: Request) -> Response {
        self.host.serve(request, Some("192.0.2.1:5555".parse().unwrap())).await
    }

    /// The answer to a GET.
    pub(crate) async fn get(&self, target: &str) -> Response {
        self.send(get(target)).await
    }
}

/// A GET without a body.
pub(crate) fn get(target: &str) -> Request {
    http::Request::get(target).body(Body::empty()).unwrap()
}

/// All of a response's body.
pub(crate) async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// An engine that finds its modules by name.
struct Closures(HashMap<String, Handler>);

struct Closure(Handler);

impl Engine for Closures {
    fn name(&self) -> &str {
        "closures"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        let handler = self.0.get(source.name.as_str());
        handler
            .map(|handler| Arc::new(Closure(handler.clone())) as Arc<dyn Module>)
            .ok_or_else(|| LoadError::new("there is no such closure"))
    }
}

impl Module for Closure {
    fn footprint(&self) -> usize {
        1
    }

    fn handle(self: Arc<Self>, request: Request, call: Call) -> Answer {
        (self.0)(request, call)
    }
}
