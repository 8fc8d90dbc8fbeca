//! `mik run`: serve until told to stop.

use std::sync::Arc;

use mik_core::{Drained, Registry};

use crate::announce;
use crate::args::{ProjectArgs, RunArgs};
use crate::failure::Failure;
use crate::log::{self, Format, Log};
use crate::plan::Plan;
use crate::serving::{self, Reloaded, Serving};
use crate::signals::Signals;

pub(super) fn run(args: RunArgs, registry: Registry) -> Result<(), Failure> {
    serving::forgo_huge_pages();
    let format = args.log_format.unwrap_or_else(Format::fitting);
    let log = Log::start(format.into(), log::filter().as_deref())?;
    serving::raise_descriptor_limit();
    let plan = Plan::new(&args.project, &registry)?.sound()?;
    if !plan.problems.is_empty() {
        tracing::warn!("{}", plan.problems);
    }
    serving::block_on(serve(plan, args.project, registry, &log))
}

async fn serve(
    mut plan: Plan,
    args: ProjectArgs,
    registry: Registry,
    log: &Log,
) -> Result<(), Failure> {
    // From here on no signal ends the process unasked.
    let mut signals = Signals::listen().map_err(Failure::Start)?;
    let serving = Serving::start(&mut plan, Box::new(|_| {}), registry).await?;
    announce::ready(log, serving.address(), &plan, serving.host());
    drop(plan);
    let sink = log.sink();
    let (reload, args) = (serving.reload(), Arc::new(args));
    let stop = async move {
        while signals.next().await.is_reload() {
            let (reload, args) = (reload.clone(), args.clone());
            // Reads files. That it panicked is in the log already.
            let _ = tokio::task::spawn_blocking(move || tell(reload.reload(&args))).await;
        }
        // The task lives on while the server drains.
        tokio::spawn(signals.exit_at_next(sink));
    };
    match serving.until(stop).await {
        Drained::Clean => {
            tracing::info!("stopped");
            Ok(())
        }
        Drained::Cut { connections } => {
            let cut = Failure::Cut { connections };
            tracing::error!("{cut}");
            Err(cut)
        }
    }
}

fn tell(reloaded: Result<Reloaded, Failure>) {
    match reloaded {
        Ok(reloaded) => reloaded.log(),
        Err(failure) => tracing::error!("{}\nnothing was changed", failure.render(false)),
    }
}
