//! Notices what changes in the sources and in `mik.toml`.
//!
//! The system only wakes; what has changed is told by comparing what is there with what was there. So what
//! is read, touched, or written anew as it was, is no change.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::scan::Scan;

/// How long nothing must happen before it is looked: many files may be written at once.
const QUIET: Duration = Duration::from_millis(60);
/// The longest that it is waited for that.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked where the system does not tell of changes.
const POLL: Duration = Duration::from_secs(1);

/// What is watched.
#[derive(Default)]
pub(super) struct Targets {
    /// Lists the files and folders that a build is made of, be they there or not.
    pub(super) sources: Option<Box<dyn Fn() -> Vec<PathBuf> + Send>>,
    /// What asks for a new list when something comes into it or goes: the folder of the project.
    pub(super) folder: Option<PathBuf>,
    /// `mik.toml`, be it there or not.
    pub(super) config: Option<PathBuf>,
}

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) sources: Vec<PathBuf>,
    pub(super) config: bool,
}

/// Watches for as long as it lives.
pub(super) struct Watch {
    orders: Sender<Order>,
    changes: UnboundedReceiver<Changes>,
}

enum Order {
    /// Something has happened.
    Look,
    /// To watch something else.
    Aim(Targets),
    End,
}

impl Watch {
    /// Starts to watch. What changes from now on is told.
    pub(super) fn start(targets: Targets) -> io::Result<Self> {
        let (orders, taken) = mpsc::channel();
        let (told, changes) = unbounded_channel();
        let mut looker = Looker::new(orders.clone(), told);
        looker.aim(targets);
        thread::Builder::new().name("mik-watch".into()).spawn(move || looker.run(&taken))?;
        Ok(Self { orders, changes })
    }

    /// Watches something else. What changed in it before is not told.
    pub(super) fn aim(&self, targets: Targets) {
        let _ = self.orders.send(Order::Aim(targets));
    }

    /// Waits for the next changes.
    pub(super) async fn next(&mut self) -> Changes {
        match self.changes.recv().await {
            Some(changes) => changes,
            // The thread has panicked, which is in the log.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
    }
}

/// What runs in the thread.
struct Looker {
    targets: Targets,
    sources: Scan,
    config: Scan,
    /// `None` where the system does not tell of changes.
    system: Option<RecommendedWatcher>,
    /// What the system watches.
    watched: BTreeMap<PathBuf, u64>,
    told: UnboundedSender<Changes>,
}

impl Looker {
    fn new(orders: Sender<Order>, told: UnboundedSender<Changes>) -> Self {
        let wake = move |event: notify::Result<notify::Event>| {
            // To look is access as well.
            if event.map_or(true, |event| !event.kind.is_access()) {
                let _ = orders.send(Order::Look);
            }
        };
        let (targets, sources, config, watched) = Default::default();
        let mut looker = Self { targets, sources, config, system: None, watched, told };
        match notify::recommended_watcher(wake) {
            Ok(system) => looker.system = Some(system),
            Err(error) => looker.poll(&error),
        }
        looker
    }

    fn run(mut self, orders: &Receiver<Order>) {
        while let Some(order) = self.order(orders) {
            match order {
                Order::Look => {
                    let next = settle(orders);
                    self.look();
                    match next {
                        Some(Order::Aim(targets)) => self.aim(targets),
                        Some(Order::End) => return,
                        Some(Order::Look) | None => {}
                    }
                }
                Order::Aim(targets) => self.aim(targets),
                Order::End => return,
            }
        }
    }

    fn order(&self, orders: &Receiver<Order>) -> Option<Order> {
        if self.system.is_some() {
            return orders.recv().ok();
        }
        match orders.recv_timeout(POLL) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => Some(Order::Look),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn aim(&mut self, targets: Targets) {
        self.targets = targets;
        self.scan();
    }

    fn look(&mut self) {
        let (sources, config) = self.scan();
        let changes = Changes {
            sources: self.sources.changed_since(&sources),
            config: !self.config.changed_since(&config).is_empty(),
        };
        if changes != Changes::default() {
            let _ = self.told.send(changes);
        }
    }

    /// Scans until what lies there is watched. Returns what was there before.
    fn scan(&mut self) -> (Scan, Scan) {
        let before = self.scan_once();
        // What comes into a new folder before it is watched would go unnoticed.
        while self.follow() {
            self.scan_once();
        }
        before
    }

    fn scan_once(&mut self) -> (Scan, Scan) {
        let sources = self.targets.sources.as_ref().map(|list| list()).unwrap_or_default();
        let mut new = Scan::of(&sources, &self.sources);
        new.also_in(self.targets.folder.as_deref());
        let sources = std::mem::replace(&mut self.sources, new);
        let config = self.targets.config.as_slice();
        let new = Scan::of(config, &self.config);
        (sources, std::mem::replace(&mut self.config, new))
    }

    /// Has the system watch every folder of the scan; says whether some are new.
    fn follow(&mut self) -> bool {
        let Some(system) = &mut self.system else { return false };
        let wanted: BTreeMap<_, _> =
            self.sources.folders().iter().chain(self.config.folders()).collect();
        let (mut is_new, mut failed) = (false, None);
        self.watched.retain(|folder, inode| {
            let stays = wanted.get(folder) == Some(&&*inode);
            if !stays {
                // One that is gone is not watched any more.
                let _ = system.unwatch(folder);
            }
            stays
        });
        for (folder, inode) in wanted {
            if self.watched.contains_key(folder) {
                continue;
            }
            match system.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    is_new = true;
                    self.watched.insert(folder.clone(), *inode);
                }
                Err(_) if !folder.exists() => {}
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            self.poll(&error);
            return false;
        }
        is_new
    }

    fn poll(&mut self, error: &notify::Error) {
        tracing::warn!("cannot watch all sources ({error}); looking every {POLL:?} instead");
        self.system = None;
    }
}

/// Waits until nothing has happened for a while. Returns the order that came instead.
fn settle(orders: &Receiver<Order>) -> Option<Order> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        match orders.recv_timeout(QUIET) {
            Ok(Order::Look) => {}
            Ok(other) => return Some(other),
            Err(_) => return None,
        }
    }
    None
}

/// A path as people write it: from `folder`, where it lies below.
pub(super) fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests;
