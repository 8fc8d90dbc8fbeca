//! One module or script: where it lies, how it is run, and its loaded form while there is one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use futures_util::future::Shared;
use http::HeaderValue;
use tokio::time::Instant;
use tracing::field::{DisplayValue, display};

use super::load::Made;
use super::version::State;
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
    /// That of the files that it was made from.
    state: State,
}

/// What is known of a loading that is under way, or of the last one that failed.
#[derive(Default)]
struct Progress {
    load: Option<Load>,
    failed: Option<(State, Arc<LoadError>)>,
}

type Label<'a> = Option<DisplayValue<&'a ModuleName>>;
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

    /// The name as a field of the log: that of a module, or that of a script.
    pub(super) fn labels(&self) -> (Label<'_>, Label<'_>) {
        let name = Some(display(&self.name));
        if self.is_script() { (None, name) } else { (name, None) }
    }

    fn is_script(&self) -> bool {
        matches!(self.matched.target, Target::Script(_))
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
            Err(_) if self.is_script() => {
                Err(CallError::Overloaded("the script is still being loaded"))
            }
            Err(_) => Err(CallError::Overloaded("the module is still being compiled")),
        }
    }

    /// Starts to load without a caller that waits.
    pub(super) fn load_ahead(self: &Arc<Self>, catalogue: &Arc<Catalogue>) {
        if self.loaded().is_none() {
            drop(self.join(&mut self.progress(), catalogue));
        }
    }

    /// Loads the files afresh if they are not those that were loaded, or that failed to.
    pub(super) fn refresh(self: &Arc<Self>, catalogue: &Arc<Catalogue>) {
        let mut progress = self.progress();
        if progress.load.is_some() {
            return; // It looks again when it is done.
        }
        let has_changed = |state: &State| state.now(&self.path) != *state;
        if progress.failed.as_ref().is_some_and(|(failed, _)| has_changed(failed)) {
            progress.failed = None;
        }
        let changed = self.loaded().is_some_and(|loaded| {
            let now = loaded.state.now(&self.path);
            now.is_there() && now != loaded.state
        });
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
        let load: BoxFuture<'static, _> =
            Box::pin(async move { task.await.unwrap_or_else(|_| Err(Arc::new(panicked()))) });
        let load = load.shared();
        progress.load = Some(load.clone());
        load
    }

    /// Loads and publishes. What is loaded stays in place unless this succeeds.
    async fn load(
        self: Arc<Self>,
        catalogue: &Arc<Catalogue>,
    ) -> Result<Arc<Loaded>, Arc<LoadError>> {
        let mut before = State::of(&self.path, self.known_files());
        let mut rounds = 0;
        loop {
            let started = SystemTime::now();
            let result = self.load_once(catalogue, &before).await;
            rounds += 1;
            let files = match &result {
                Ok(made) => made.files.clone(),
                Err(error) => error.files().to_vec(),
            };
            let after = State::of(&self.path, files);
            if after.held_since(started, &before) || rounds == RELOADS {
                let state = after.known_at(&before);
                let result = result.map_err(Arc::new).map(|Made { handler, footprint, .. }| {
                    Arc::new(Loaded { handler, footprint, state: state.clone() })
                });
                self.publish(catalogue, state, &result);
                return result;
            }
            before = after;
        }
    }

    /// The files besides its own of what is loaded, and of what failed to.
    fn known_files(&self) -> Vec<PathBuf> {
        let loaded = self.loaded();
        let progress = self.progress();
        let states = loaded.iter().map(|loaded| &loaded.state);
        let states = states.chain(progress.failed.iter().map(|(state, _)| state));
        let mut files: Vec<_> = states.flat_map(State::others).map(Path::to_owned).collect();
        files.sort();
        files.dedup();
        files
    }

    async fn load_once(
        self: &Arc<Self>,
        catalogue: &Arc<Catalogue>,
        before: &State,
    ) -> Result<Made, LoadError> {
        let failed = |reason: &str| LoadError::transient(reason).at(&self.path);
        if !before.is_there() {
            return Err(failed("the file is gone"));
        }
        let _permit = catalogue.loads.acquire().await.map_err(|_| failed("shutting down"))?;
        let (entry, loader) = (self.clone(), catalogue.loader.clone());
        let work = move || loader.load(&entry.name, &entry.path, &entry.settings);
        let started = Instant::now();
        let made = tokio::task::spawn_blocking(work).await;
        let made = made.unwrap_or_else(|_| Err(panicked().at(&self.path)));
        catalogue.numbers.loaded(self.name.as_str(), started.elapsed(), made.is_ok());
        let made = made?;
        let (module, script) = self.labels();
        tracing::info!(
            module,
            script,
            bytes = before.len(),
            footprint = made.footprint,
            took = %format_args!("{:.0?}", started.elapsed()),
            "loaded"
        );
        Ok(made)
    }

    fn publish(
        self: &Arc<Self>,
        catalogue: &Arc<Catalogue>,
        state: State,
        result: &Result<Arc<Loaded>, Arc<LoadError>>,
    ) {
        let (module, script) = self.labels();
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
                tracing::error!(module, script, "{error}; the version loaded before keeps serving");
            }
            Err(error) => tracing::error!(module, script, "{error}"),
        }
        let mut progress = self.progress();
        progress.load = None;
        let verdict = result.as_ref().err().filter(|error| !error.is_transient());
        progress.failed = verdict.map(|error| (state, error.clone()));
    }
}

fn panicked() -> LoadError {
    LoadError::transient("what was to load it panicked")
}

/// The longest that anything waits where no deadline is set.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(30 * 24 * 3600);
