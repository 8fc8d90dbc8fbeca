//! The modules and scripts that there are: found in a folder, loaded when first called, kept within
//! bounds, replaced when their file changes.

mod cache;
mod entry;
mod files;
mod load;
mod numbers;
mod version;
mod watch;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use tokio::sync::Semaphore;

use crate::limits::{CacheLimits, InstanceLimits};
use crate::units::ByteSize;
use crate::{Grants, ModuleGrant, ModuleName};

pub(crate) use entry::{Entry, FOR_EVER};
pub(crate) use files::{Files, MODULES, SCRIPTS};
pub use files::{FilesByName, FilesError, list_modules, list_scripts};
pub use load::script_root;
pub(crate) use load::{Loader, ModuleLoader, ScriptLoader};
pub(crate) use numbers::Numbers;
pub(crate) use watch::Watcher;

/// How one module or script is run. What it may *use* are its grants; what it may *consume*, its limits.
#[derive(Debug, Clone)]
pub struct ModuleSettings {
    /// What one call may use.
    pub limits: InstanceLimits,
    /// Time to the response head. Default 30 s.
    pub timeout: std::time::Duration,
    /// Environment, hosts …
    pub grants: Arc<Grants>,
}

impl Default for ModuleSettings {
    fn default() -> Self {
        Self {
            limits: InstanceLimits::default(),
            timeout: std::time::Duration::from_secs(30),
            grants: Arc::default(),
        }
    }
}

impl ModuleSettings {
    /// The defaults of scripts: they may call every module and nothing else, and have 64 MiB of memory.
    pub fn of_scripts() -> Self {
        let limits = InstanceLimits { memory: ByteSize::mib(64), ..InstanceLimits::default() };
        let grants = Grants { modules: ModuleGrant::All, ..Grants::default() };
        Self { limits, grants: Arc::new(grants), ..Self::default() }
    }
}

/// Settings by name, with what holds for every other name.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingsByName {
    pub(crate) default: Arc<ModuleSettings>,
    pub(crate) named: HashMap<ModuleName, Arc<ModuleSettings>>,
}

impl SettingsByName {
    fn of(&self, name: &ModuleName) -> Arc<ModuleSettings> {
        self.named.get(name).unwrap_or(&self.default).clone()
    }
}

/// By name. Only names of files are keys, so a hasher that is fast will do.
type Entries = HashMap<ModuleName, Arc<Entry>, RandomState>;

/// All modules, or all scripts, of a host.
pub(crate) struct Catalogue {
    files: Files,
    settings: SettingsByName,
    loader: Arc<dyn Loader>,
    entries: ArcSwap<Entries>,
    cache: cache::Cache,
    numbers: Numbers,
    /// Loads that may run at once: compiling uses every core by itself.
    loads: Semaphore,
}

impl Catalogue {
    /// Reads the folder once. Nothing is loaded yet.
    pub(crate) fn open(
        files: Files,
        settings: SettingsByName,
        loader: Arc<dyn Loader>,
        limits: CacheLimits,
        numbers: Numbers,
    ) -> Result<Arc<Self>, FilesError> {
        let catalogue = Self {
            files,
            settings,
            loader,
            entries: ArcSwap::default(),
            cache: cache::Cache::new(limits, numbers.evictions.clone()),
            numbers,
            loads: Semaphore::new(2),
        };
        let found = catalogue.files.discover()?;
        let entries =
            found.into_iter().map(|(name, path)| (name.clone(), catalogue.entry(&name, path)));
        catalogue.entries.store(Arc::new(entries.collect()));
        Ok(Arc::new(catalogue))
    }

    /// Starts to load what there is, if it is one: it will be called, and its first caller need not wait.
    /// Of many, nobody knows which will be.
    pub(crate) fn warm(self: &Arc<Self>) {
        if let [entry] = &self.entries.load().values().collect::<Vec<_>>()[..] {
            entry.load_ahead(self);
        }
    }

    /// The entry of that name. Existence is all this says: it may never have been loaded.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries.load().get(name).cloned()
    }

    /// All names, sorted, with their files.
    pub(crate) fn list(&self) -> Vec<(ModuleName, PathBuf)> {
        let entries = self.entries.load();
        let mut list: Vec<_> =
            entries.values().map(|entry| (entry.name().clone(), entry.path().to_owned())).collect();
        list.sort();
        list
    }

    /// All names, sorted.
    pub(crate) fn names(&self) -> Vec<ModuleName> {
        let mut names: Vec<_> = self.entries.load().keys().cloned().collect();
        names.sort();
        names
    }

    /// How many are known, and how many loaded.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let entries = self.entries.load();
        (entries.len(), entries.values().filter(|entry| entry.loaded().is_some()).count())
    }

    /// Bytes of everything that is loaded.
    pub(crate) fn bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Reads the folder again: new files become callable, removed ones stop being, changed ones are
    /// loaded afresh and swapped in when that succeeds. It blocks on the file system.
    pub(crate) fn rescan(self: &Arc<Self>) {
        let found = match self.files.discover() {
            Ok(found) => found,
            Err(error) => {
                tracing::error!("{error}; what was loaded stays");
                return;
            }
        };
        let old = self.entries.load_full();
        let mut new = Entries::with_capacity_and_hasher(found.len(), RandomState::default());
        for (name, path) in found {
            let entry = match old.get(&name).filter(|entry| entry.path() == path) {
                Some(entry) => entry.clone(),
                None => {
                    let entry = self.entry(&name, path);
                    let (module, script) = entry.labels();
                    tracing::info!(module, script, path = %entry.path().display(), "new file");
                    entry
                }
            };
            new.insert(name, entry);
        }
        let current: Vec<_> = new.values().cloned().collect();
        let new = Arc::new(new);
        // First they are gone, then unloaded: what loads meanwhile finds that nobody will call it.
        self.entries.store(new.clone());
        for (name, entry) in old.iter() {
            if new.get(name).is_none_or(|now| !Arc::ptr_eq(now, entry)) {
                let (module, script) = entry.labels();
                tracing::info!(module, script, path = %entry.path().display(), "file removed");
                self.cache.remove(entry);
                entry.unload();
            }
        }
        for entry in current {
            entry.refresh(self);
        }
    }

    /// The folder to watch, and whether with its subfolders.
    pub(crate) fn watched(&self) -> (PathBuf, bool) {
        self.files.watched()
    }

    fn entry(&self, name: &ModuleName, path: PathBuf) -> Arc<Entry> {
        let (route, engine) = (self.loader.route(name), self.loader.engine());
        Entry::new(name.clone(), path, route, engine, self.settings.of(name))
    }
}
