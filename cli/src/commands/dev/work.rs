//! What is done while the server runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use mik_core::{Host, Target};
use tokio::task::spawn_blocking;

use super::awaited::Awaited;
use super::builds::{Builds, Ended};
use super::keys::{self, Key, Keys};
use super::site::Site;
use super::view::View;
use super::watch::{Changes, Watch};
use super::{DRAIN, banner, browser};
use crate::build::Options;
use crate::failure::Failure;
use crate::log::{self, Log};
use crate::plan::Plan;
use crate::project::Project;
use crate::serving::{Reload, Reloaded, Serving};
use crate::signals::{Signals, Wish};

/// Everything that there is to do while the server runs.
pub(super) struct Work {
    site: Site,
    host: Host,
    reload: Arc<Reload>,
    view: View,
    watch: Watch,
    keys: Option<Keys>,
    builds: Builds,
    /// What has changed since the build that is under way began.
    next: Option<Vec<PathBuf>>,
    /// How addresses begin.
    base: String,
    /// Whether `mik.toml` was put in force with the module there.
    is_mounted: bool,
    awaited: Awaited,
    /// What is known to be served.
    routes: Vec<(String, Target)>,
}

impl Work {
    /// Begins to watch, and tells what there is. Must be called within a tokio runtime.
    pub(super) fn begin(
        site: Site,
        plan: &Plan,
        serving: &Serving,
        awaited: Awaited,
        options: Options,
        log: &Log,
    ) -> Result<Self, Failure> {
        let (sink, colour) = (log.sink(), log::colour());
        let mut work = Self {
            host: serving.host().clone(),
            reload: serving.reload(),
            base: banner::base(serving.address()),
            watch: Watch::start(site.targets()).map_err(Failure::Start)?,
            keys: Keys::listen().map_err(Failure::Start)?,
            view: View::new(sink.clone(), colour),
            builds: Builds::new(options, sink, colour),
            next: None,
            is_mounted: false,
            awaited,
            routes: Vec::new(),
            site,
        };
        work.open(serving.address(), plan);
        Ok(work)
    }

    /// Tells what there is.
    fn open(&mut self, address: SocketAddr, plan: &Plan) {
        let made = self.site.project().map(|project| project.name().clone());
        self.mounted(plan);
        self.routes = self.host.routes();
        let bold = |text| self.view.bold(text);
        let mut rest = vec![match &made {
            Some(_) => format!("watching {}", self.site.watched()),
            None => "nothing to build here: what lies here is served".to_owned(),
        }];
        if self.keys.is_some() {
            let [rebuild, open, quit] = ["r", "o", "q"].map(bold);
            rest.push(format!("{rebuild} rebuild   {open} open in the browser   {quit} quit"));
        }
        self.view.open(address, &self.host, made.as_ref(), &rest);
        self.view.problems(plan);
    }

    /// Does what is asked for, until that is to stop.
    pub(super) async fn go_on(&mut self, signals: &mut Signals) {
        self.build(Vec::new());
        loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Reload => self.read_config().await,
                    Wish::Stop => return,
                },
                pressed = Keys::next(&mut self.keys) => match pressed {
                    Key::Rebuild => self.build(Vec::new()),
                    Key::Open => self.show(),
                    Key::Quit => return,
                },
                changes = self.watch.next() => self.changed(changes).await,
                ended = self.builds.ended() => self.built(ended).await,
            }
        }
    }

    /// Leaves nothing behind.
    pub(super) async fn end(&mut self) {
        // What is left to tell is told on a terminal as it was.
        keys::restore();
        self.builds.stop();
        self.next = None;
        if self.builds.is_running() {
            let _ = tokio::time::timeout(DRAIN, self.builds.ended()).await;
        }
    }

    async fn changed(&mut self, changes: Changes) {
        if changes.config {
            self.read_config().await;
        }
        if !changes.sources.is_empty() {
            self.build(changes.sources);
        }
    }

    /// Puts `mik.toml` in force, and builds where it says how otherwise than before.
    async fn read_config(&mut self) {
        let Some(reloaded) = self.reload().await else { return };
        self.view.reloaded(&reloaded);
        self.tell_routes();
        match self.site.refresh() {
            Ok(false) => {}
            Ok(true) => {
                self.watch.aim(self.site.targets());
                self.build(Vec::new());
            }
            Err(failure) => self.view.refused(&failure),
        }
    }

    /// Notes whether the module was there when this was put in force.
    fn mounted(&mut self, plan: &Plan) {
        let made = self.site.project().map(Project::name);
        self.is_mounted = made.is_none_or(|name| plan.found.contains_key(name));
        if self.is_mounted {
            self.awaited.is_there();
        }
    }

    async fn reload(&mut self) -> Option<Reloaded> {
        let (reload, args) = (self.reload.clone(), self.site.args());
        // Reads files. That it panicked is in the log already.
        let reloaded = spawn_blocking(move || reload.reload(&args)).await.ok()?;
        match reloaded {
            Ok(reloaded) => {
                self.mounted(&reloaded.plan);
                Some(reloaded)
            }
            Err(failure) => {
                self.view.refused(&failure);
                None
            }
        }
    }

    /// Builds, because of what has changed. A build that is under way ends first.
    fn build(&mut self, changed: Vec<PathBuf>) {
        if self.builds.is_running() {
            self.next.get_or_insert_default().extend(changed);
            self.builds.stop();
            return;
        }
        match self.site.project_to_build() {
            Ok(Some(project)) => {
                self.view.building(project.name(), &changed, project.folder());
                if !self.is_mounted {
                    self.awaited.is_building();
                }
                self.builds.start(project);
            }
            Ok(None) => {}
            Err(failure) => self.view.refused(&failure),
        }
    }

    async fn built(&mut self, ended: Ended) {
        let Some(name) = self.site.project().map(|project| project.name().clone()) else { return };
        match ended {
            Ended::Built(built) => {
                // Mounts of a module that was not there are not in force.
                let is_new = !self.is_mounted && built.module.is_some();
                let reloaded = if is_new { self.reload().await } else { None };
                self.view.built(&name, &built);
                if let Some(reloaded) = reloaded {
                    self.view.warnings(&reloaded);
                    self.tell_routes();
                }
            }
            Ended::Failed(error) => {
                let is_served = self.host.modules().iter().any(|(module, _)| *module == name);
                self.view.not_built(&name, &error, is_served);
                if !self.is_mounted {
                    self.awaited.has_failed();
                }
            }
            Ended::Stopped => {}
        }
        if let Some(mut changed) = self.next.take() {
            changed.sort();
            changed.dedup();
            self.build(changed);
        }
    }

    /// Tells which addresses have come.
    fn tell_routes(&mut self) {
        let routes = self.host.routes();
        for (route, target) in routes.iter().filter(|route| !self.routes.contains(route)) {
            let path = route.strip_suffix('*').unwrap_or(route);
            self.view.note(format_args!("{}{path} is {target}", self.base));
        }
        self.routes = routes;
    }

    /// Opens what is built in the browser.
    fn show(&self) {
        let made = self.site.project().map(Project::name);
        let address = format!("{}{}", self.base, banner::first(&self.host, made));
        if !browser::open(&address) {
            self.view.note(format_args!("no browser here: open {address}"));
        }
    }
}
