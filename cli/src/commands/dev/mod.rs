//! `mik dev`: serve, and build again whenever something changes.
//!
//! The server runs from the first moment to the last. What is built comes into the folder of modules by a
//! rename, which the host notices by itself, as it does changes of scripts; here only `mik.toml` and the
//! sources are watched.

mod awaited;
mod banner;
mod browser;
mod builds;
mod keys;
mod scan;
mod site;
mod view;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mik_core::{Host, Registry, Target};
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;

use self::awaited::Awaited;
use self::builds::{Builds, Ended};
use self::keys::{Key, Keys};
use self::site::Site;
use self::view::View;
use self::watch::{Changes, Watch};
use crate::args::DevArgs;
use crate::build::Options;
use crate::failure::Failure;
use crate::log::{self, Log, Style};
use crate::plan::Plan;
use crate::serving::{self, Reload, Reloaded, Serving};
use crate::signals::{Signals, Wish};

/// What is logged unless `MIK_LOG` says otherwise: how the server ends is of no interest here.
const FILTER: &str = "info,mik_core::server=warn";
/// The longest that requests under way hold up the end.
const DRAIN: Duration = Duration::from_secs(2);

pub(super) fn dev(args: &DevArgs, registry: Registry) -> Result<(), Failure> {
    serving::forgo_huge_pages();
    let filter = log::filter();
    let log = Log::start(Style::Requests, Some(filter.as_deref().unwrap_or(FILTER)))?;
    serving::raise_descriptor_limit();
    let site = Site::find(args)?;
    let plan = Plan::new(&site.args(), &registry)?.sound()?;
    let options = Options { release: args.release, compose: true };
    serving::block_on(serve(site, plan, options, registry, &log))
}

async fn serve(
    site: Site,
    mut plan: Plan,
    options: Options,
    registry: Registry,
    log: &Log,
) -> Result<(), Failure> {
    // From here on no signal ends the process unasked.
    let mut signals = Signals::listen().map_err(Failure::Start)?;
    let awaited = Awaited::default();
    let own = awaited.middleware();
    let adjust = move |plan: &mut Plan| {
        plan.limits.drain = plan.limits.drain.min(DRAIN);
        plan.middleware.push(own.clone());
    };
    let serving = Serving::start(&mut plan, Box::new(adjust), registry).await?;
    let (sink, colour) = (log.sink(), log::colour());
    let view = View::new(sink.clone(), colour);
    let watch = Watch::start(site.targets()).map_err(Failure::Start)?;
    let keys = Pressed::listen().map_err(Failure::Start)?;
    let mut dev = Dev {
        host: serving.host().clone(),
        reload: serving.reload(),
        base: banner::base(serving.address()),
        is_mounted: false,
        awaited,
        routes: Vec::new(),
        builds: Builds::new(options, sink.clone(), colour),
        next: None,
        site,
        view,
        watch,
        keys,
    };
    dev.open(serving.address(), &plan);
    drop(plan);
    let stop = async {
        dev.work(&mut signals).await;
        dev.end().await;
        // The task lives on while the server drains.
        tokio::spawn(signals.exit_at_next(sink));
    };
    // What is cut now is nobody's loss.
    serving.until(stop).await;
    Ok(())
}

/// Everything that there is to do while the server runs.
struct Dev {
    site: Site,
    host: Host,
    reload: Arc<Reload>,
    view: View,
    watch: Watch,
    keys: Option<Pressed>,
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

impl Dev {
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
    async fn work(&mut self, signals: &mut Signals) {
        self.build(Vec::new());
        loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Reload => self.read_config().await,
                    Wish::Stop => return,
                },
                pressed = next_key(&mut self.keys) => match pressed {
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
    async fn end(&mut self) {
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
        let made = self.site.project().map(|project| project.name());
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
                self.view.built(&name, &built);
                // Mounts of a module that was not there are not in force.
                if !self.is_mounted
                    && built.module.is_some()
                    && let Some(reloaded) = self.reload().await
                {
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
        let made = self.site.project().map(|project| project.name());
        let address = format!("{}{}", self.base, banner::first(&self.host, made));
        if !browser::open(&address) {
            self.view.note(format_args!("no browser here: open {address}"));
        }
    }
}

/// The keys of a terminal, and what it makes of Ctrl-Z and Ctrl-\.
struct Pressed {
    keys: Keys,
    suspend: Signal,
    quit: Signal,
}

impl Pressed {
    /// `None` where there is no terminal. Must be called within a tokio runtime.
    fn listen() -> std::io::Result<Option<Self>> {
        let Some(keys) = Keys::listen()? else { return Ok(None) };
        let of = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Some(Self { keys, suspend: of(Number::TSTP)?, quit: of(Number::QUIT)? }))
    }
}

/// Waits for the next key; for ever where there are none.
async fn next_key(pressed: &mut Option<Pressed>) -> Key {
    let Some(pressed) = pressed else { return std::future::pending().await };
    loop {
        tokio::select! {
            key = pressed.keys.next() => return key,
            _ = pressed.suspend.recv() => keys::suspend(),
            _ = pressed.quit.recv() => return Key::Quit,
        }
    }
}
