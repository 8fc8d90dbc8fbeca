//! One module or script: where it lies, how it is run, and its loaded form while there is one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use futures_util::future::Shared;
use http::HeaderValue;
use tokio::time::Instant;

use super::files::Version;
use super::{Catalogue, ModuleSettings};
use crate::{
    BoxFuture, Call, CallError, LoadError, Matched, Module, ModuleName, Request, Response, Script,
    Target,
};

/// How often a load starts over because the file changed meanwhile, before it waits for the next event.
const RELOADS: usize = 3;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Something loaded that answers requests.
#[derive(Clone)]
pub(crate) enum Handler {
    Module { module: Arc<dyn Module>, deadline: bool },
    Script { script: Arc<dyn Script>, deadline: bool },
}

impl Handler {
    /// Calls it. Where what runs it does not keep the deadline itself, it is kept here.
    pub(crate) async fn call(self, request: Request, call: Call) -> Result<Response, CallError> {
        let deadline = call.deadline();
        let (future, kept) = match self {
            Self::Module { module, deadline } => (module.handle(request, call), deadline),
            Self::Script { script, deadline } => (script.run(request, call), deadline),
        };
        if kept {
            return future.await;
        }
        let late = || CallError::Timeout("no response head by the deadline");
        tokio::time::timeout_at(deadline, future).await.map_err(|_| late())?
    }
}

/// A module or script by name.
pub(crate) struct Entry {
    name: ModuleName,
    path: PathBuf,
    matched: Arc<Matched>,
    settings: Arc<ModuleSettings>,
    slot: ArcSwapOption<Loaded>,
    /// Milliseconds since the process started, at the last call.
    last_used: AtomicU64,
    progress: Mutex<Progress>,
}

/// The loaded form.
pub(crate) struct Loaded {
    handler: Handler,
    footprint: usize,
    version: Version,
}

/// What is known of a loading that is under way, or of the last one that failed.
#[derive(Default)]
struct Progress {
    load: Option<Load>,
    failed: Option<(Option<Version>, Arc<LoadError>)>,
}

type Load = Shared<BoxFuture<'static, Result<Arc<Loaded>, Arc<LoadError>>>>;

impl Entry {
    pub(super) fn new(
        name: ModuleName,
        path: PathBuf,
        (prefix, target): (String, Target),
        engine: Arc<str>,
        settings: Arc<ModuleSettings>,
    ) -> Arc<Self> {
        let matched = Matched {
            route: format!("{prefix}/*").into(),
            // The characters of a name are all allowed in a header.
            prefix: HeaderValue::try_from(prefix).ok(),
            target,
            engine: Some(engine),
        };
        Arc::new(Self {
            name,
            path,
            matched: Arc::new(matched),
            settings,
            slot: ArcSwapOption::empty(),
            last_used: AtomicU64::new(0),
            progress: Mutex::default(),
        })
    }

    pub(crate) fn name(&self) -> &ModuleName {
        &self.name
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn matched(&self) -> &Arc<Matched> {
        &self.matched
    }

    pub(crate) fn settings(&self) -> &ModuleSettings {
        &self.settings
    }

    pub(crate) fn loaded(&self) -> Option<Arc<Loaded>> {
        self.slot.load_full()
    }

    pub(super) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Forgets the loaded form. Calls that run on it finish.
    pub(super) fn unload(&self) {
        self.slot.store(None);
    }

    /// The loaded form; loads it first where necessary, once however many ask. The loading itself goes
    /// on past `deadline`.
    pub(crate) async fn ready(
        self: &Arc<Self>,
        catalogue: &Arc<Catalogue>,
        deadline: Instant,
    ) -> Result<Handler, CallError> {
        let now = STARTED.elapsed().as_millis();
        self.last_used.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Some(loaded) = &*self.slot.load() {
            catalogue.numbers.hits.add(1);
            return Ok(loaded.handler.clone());
        }
        catalogue.numbers.misses.add(1, &[]);
        let load = {
            let mut progress = self.progress();
            if let Some((_, error)) = &progress.failed {
                return Err(CallError::Load(error.clone()));
            }
            self.join(&mut progress, catalogue)
        };
        match tokio::time::timeout_at(deadline, load).await {
            Ok(Ok(loaded)) => Ok(loaded.handler.clone()),
            Ok(Err(error)) => Err(CallError::Load(error)),
            Err(_) => Err(CallError::Overloaded("the module is still being compiled")),
        }
    }

    /// Starts to load without a caller that waits.
    pub(super) fn load_ahead(self: &Arc<Self>, catalogue: &Arc<Catalogue>) {
        if self.loaded().is_none() {
            drop(self.join(&mut self.progress(), catalogue));
        }
    }

    /// Loads the file afresh if it is not the one that was loaded, or that failed to.
    pub(super) fn refresh(self: &Arc<Self>, catalogue: &Arc<Catalogue>) {
        let version = Version::of(&self.path).ok();
        let mut progress = self.progress();
        if progress.load.is_some() {
            return; // It looks again when it is done.
        }
        if progress.failed.as_ref().is_some_and(|(failed, _)| *failed != version) {
            progress.failed = None;
        }
        let changed =
            self.loaded().is_some_and(|loaded| version.is_some_and(|v| v != loaded.version));
        if changed && progress.failed.is_none() {
            drop(self.join(&mut progress, catalogue));
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loading that is under way, or a new one.
    fn join(self: &Arc<Self>, progress: &mut Progress, catalogue: &Arc<Catalogue>) -> Load {
        if let Some(load) = &progress.load {
            return load.clone();
        }
        let (entry, catalogue) = (self.clone(), catalogue.clone());
        // A task of its own: it goes on when every caller has given up.
        let task = tokio::spawn(async move { entry.load(&catalogue).await });
        let load: BoxFuture<'static, _> = Box::pin(async move {
            task.await
                .unwrap_or_else(|_| Err(Arc::new(LoadError::transient("the engine panicked"))))
        });
        let load = load.shared();
        progress.load = Some(load.clone());
        load
    }

    /// Loads and publishes. What is loaded stays in place unless this succeeds.
    async fn load(
        self: Arc<Self>,
        catalogue: &Arc<Catalogue>,
    ) -> Result<Arc<Loaded>, Arc<LoadError>> {
        let mut result;
        let mut rounds = 0;
        loop {
            let version = Version::of(&self.path).ok();
            result = self.load_once(catalogue, version).await;
            rounds += 1;
            let unchanged = Version::of(&self.path).ok() == version;
            if unchanged || rounds == RELOADS {
                self.publish(catalogue, version, &result);
                return result;
            }
        }
    }

    async fn load_once(
        self: &Arc<Self>,
        catalogue: &Arc<Catalogue>,
        version: Option<Version>,
    ) -> Result<Arc<Loaded>, Arc<LoadError>> {
        let failed = |reason: &str| Arc::new(LoadError::transient(reason).at(&self.path));
        let version = version.ok_or_else(|| failed("the file is gone"))?;
        let _permit = catalogue.loads.acquire().await.map_err(|_| failed("shutting down"))?;
        let (entry, loader) = (self.clone(), catalogue.loader.clone());
        let work = move || loader.load(&entry.name, &entry.path, &entry.settings.limits);
        let started = Instant::now();
        let loaded = tokio::task::spawn_blocking(work).await;
        let loaded = loaded.unwrap_or_else(|_| Err(LoadError::transient("the engine panicked")));
        catalogue.numbers.loaded(self.name.as_str(), started.elapsed(), loaded.is_ok());
        let (handler, footprint) = loaded.map_err(Arc::new)?;
        tracing::info!(
            module = %self.name,
            bytes = version.len(),
            footprint,
            took = %format_args!("{:.0?}", started.elapsed()),
            "loaded"
        );
        Ok(Arc::new(Loaded { handler, footprint, version }))
    }

    fn publish(
        self: &Arc<Self>,
        catalogue: &Arc<Catalogue>,
        version: Option<Version>,
        result: &Result<Arc<Loaded>, Arc<LoadError>>,
    ) {
        match result {
            Ok(loaded) => {
                let publish = || self.slot.store(Some(loaded.clone()));
                catalogue.cache.insert(self, loaded.footprint, publish);
                // Removed while it loaded: nobody will call it any more.
                if catalogue.find(self.name.as_str()).is_none_or(|entry| !Arc::ptr_eq(&entry, self))
                {
                    catalogue.cache.remove(self);
                    self.unload();
                }
            }
            Err(error) if self.loaded().is_some() => {
                tracing::error!(module = %self.name, "{error}; the version loaded before keeps serving");
            }
            Err(error) => tracing::error!(module = %self.name, "{error}"),
        }
        let mut progress = self.progress();
        progress.load = None;
        let verdict = result.as_ref().err().filter(|error| !error.is_transient());
        progress.failed = verdict.map(|error| (version, error.clone()));
    }
}

/// The longest that anything waits where no deadline is set.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(30 * 24 * 3600);
