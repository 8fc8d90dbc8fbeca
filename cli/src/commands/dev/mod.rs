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
mod work;

use std::time::Duration;

use mik_core::Registry;

use self::awaited::Awaited;
use self::site::Site;
use self::work::Work;
use crate::args::DevArgs;
use crate::build::Options;
use crate::failure::Failure;
use crate::log::{self, Log, Style};
use crate::plan::Plan;
use crate::serving::{self, Serving};
use crate::signals::Signals;

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
    let mut work = Work::begin(site, &plan, &serving, awaited, options, log)?;
    drop(plan);
    let sink = log.sink();
    let stop = async {
        work.go_on(&mut signals).await;
        work.end().await;
        // The task lives on while the server drains.
        tokio::spawn(signals.exit_at_next(sink));
    };
    // What is cut now is nobody's loss.
    serving.until(stop).await;
    Ok(())
}
