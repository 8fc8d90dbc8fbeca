//! Notices when files change.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::RecursiveMode;
use notify_debouncer_full::{DebounceEventResult, Debouncer, NoCache, new_debouncer_opt};
use tokio::sync::mpsc;

use super::Catalogue;

/// How long a folder must be quiet before it is read again: a file that is being written is left alone.
const QUIET: Duration = Duration::from_millis(200);
/// How often the folder is read where the system does not tell of changes.
const POLL: Duration = Duration::from_secs(2);

/// Keeps a catalogue up to date for as long as it lives.
pub(crate) struct Watcher {
    _events: Option<Debouncer<notify::RecommendedWatcher, NoCache>>,
    task: tokio::task::JoinHandle<()>,
}

impl Watcher {
    /// Starts to watch. Must be called within a tokio runtime.
    pub(crate) fn start(catalogue: &Arc<Catalogue>) -> Self {
        let (changed, mut changes) = mpsc::channel::<()>(1);
        let (folder, with_subfolders) = catalogue.watched();
        let events = match watch(&folder, with_subfolders, changed) {
            Ok(events) => Some(events),
            Err(error) => {
                let folder = folder.display();
                tracing::warn!("cannot watch {folder} ({error}); looking every {POLL:?} instead");
                None
            }
        };
        let poll = events.is_none();
        let catalogue = Arc::downgrade(catalogue);
        let task = tokio::spawn(async move {
            loop {
                if poll {
                    tokio::time::sleep(POLL).await;
                } else if changes.recv().await.is_none() {
                    return;
                }
                if !rescan(&catalogue).await {
                    return;
                }
            }
        });
        Self { _events: events, task }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads the folder again; `false` once the catalogue is gone.
async fn rescan(catalogue: &Weak<Catalogue>) -> bool {
    let Some(catalogue) = catalogue.upgrade() else { return false };
    tokio::task::spawn_blocking(move || {
        // Reloads are spawned from here.
        catalogue.rescan();
    })
    .await
    .is_ok()
}

fn watch(
    folder: &Path,
    with_subfolders: bool,
    changed: mpsc::Sender<()>,
) -> notify::Result<Debouncer<notify::RecommendedWatcher, NoCache>> {
    let on_events = move |events: DebounceEventResult| {
        let matters = |event: &notify_debouncer_full::DebouncedEvent| !event.kind.is_access();
        if events.map_or(true, |events| events.iter().any(matters)) {
            // A full channel already holds the news.
            let _ = changed.try_send(());
        }
    };
    let config = notify::Config::default();
    let mut debouncer = new_debouncer_opt(QUIET, None, on_events, NoCache, config)?;
    let mode = match with_subfolders {
        true => RecursiveMode::Recursive,
        false => RecursiveMode::NonRecursive,
    };
    debouncer.watch(folder, mode)?;
    Ok(debouncer)
}
