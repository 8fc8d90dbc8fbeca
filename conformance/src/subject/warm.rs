//! Guests are compiled before a case needs them: its limits in time are not about that.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Place, Running, Subject};
use crate::case::{Module, Project};
use crate::raw::{Raw, request};
use crate::wire::Stop;

/// How long the compilation of all guests of a project may take.
const COMPILED: Duration = Duration::from_secs(120);

/// How long an answer is waited for at a time.
const SHORT: Duration = Duration::from_millis(10);

/// The subjects and guests that are.
static WARM: Mutex<Option<HashSet<(String, String)>>> = Mutex::new(None);

impl Subject {
    /// Has the guests of the project compiled, where they never were; what is compiled stays on disk.
    pub(super) fn warm(&self, project: &Project) -> Result<(), String> {
        if matches!(self.place, Place::Elsewhere(_)) || project.cache == Some(false) {
            return Ok(());
        }
        // Held meanwhile: nobody else needs to compile the same.
        let mut warm = WARM.lock().unwrap_or_else(PoisonError::into_inner);
        let warm = warm.get_or_insert_default();
        // What a process compiles with is not what this one does.
        let place =
            if matches!(self.place, Place::Binary(_)) { "a process" } else { self.shares() };
        let key = |guest: &str| (place.to_owned(), guest.to_owned());
        let cold: Vec<_> = project.guests().filter(|guest| !warm.contains(&key(guest))).collect();
        if cold.is_empty() {
            return Ok(());
        }
        let modules = cold
            .iter()
            .map(|guest| Module { name: (*guest).to_owned(), content: Ok((*guest).to_owned()) });
        let alone = Project { modules: modules.collect(), ..Project::default() };
        let running = Running::serve(self, &alone)?;
        let address = running.address().ok_or("nothing serves here")?;
        let mut asked: Vec<_> = cold
            .iter()
            .filter_map(|guest| {
                let mut raw = Raw::try_connect(address).ok()?;
                raw.send(request("GET", &format!("/run/{guest}/"), &[], b"")).ok()?;
                Some(raw)
            })
            .collect();
        // Some never answer, and some never load.
        crate::mik::eventually(COMPILED, || {
            asked.retain_mut(|raw| raw.patience(SHORT).head("GET").err() == Some(Stop::Silent));
            asked.is_empty() || running.loaded() == Some(cold.len() as u64)
        });
        warm.extend(cold.iter().map(|guest| key(guest)));
        Ok(())
    }
}
