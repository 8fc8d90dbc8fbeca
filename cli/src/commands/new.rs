//! `mik new`: a new project from a template.

mod ask;
mod files;
mod git;
mod name;
mod next;
mod place;
mod template;

use std::io;
use std::path::PathBuf;

use tokio::runtime;
use tokio::task;

use self::git::Repository;
use self::place::{Place, Stage};
use crate::args::NewArgs;
use crate::build::SupplyError;
use crate::build::supply::{supply_bindings, supply_sdk};
use crate::failure::Failure;
use crate::output::{complain, print};
use crate::signals::Signals;

pub use self::name::InvalidProjectName;
pub use self::place::PlaceError;
pub use self::template::Template;

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// It cannot have that name.
    #[error(transparent)]
    Name(#[from] InvalidProjectName),
    /// It cannot lie there.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The SDK cannot be written into it.
    #[error("{0}; nothing was left behind")]
    Supply(#[from] SupplyError),
    /// Nobody said which.
    #[error("the project has no name: mik new my-api")]
    Unnamed,
    /// Nobody answered.
    #[error("no template was chosen: `mik new --list` shows them, --template takes one")]
    Unchosen,
    /// Ctrl-C.
    #[error("interrupted; nothing was left behind")]
    Interrupted,
    /// Ctrl-C cannot be caught.
    #[error("cannot start: {0}")]
    Start(io::Error),
}

impl NewError {
    /// Whether other arguments would have helped, rather than another state of things.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::Name(_) | Self::Unnamed | Self::Unchosen => true,
            Self::Place(PlaceError::Nameless { .. } | PlaceError::NotText { .. }) => true,
            Self::Place(_) | Self::Supply(_) | Self::Interrupted | Self::Start(_) => false,
        }
    }
}

/// What is to be made, all questions answered.
#[derive(Debug, Clone)]
struct Order {
    /// The project's folder.
    path: PathBuf,
    name: String,
    template: Template,
    git: bool,
}

pub(super) fn new(args: &NewArgs) -> Result<(), Failure> {
    if args.list {
        print(template::list().trim_end());
        return Ok(());
    }
    let order = Order::of(args)?;
    let repository = make(&order)?;
    if let Repository::Failed(told) = &repository {
        complain(format_args!("warning: git made no repository: {told}"));
    }
    print(next::told(&order, &repository));
    Ok(())
}

impl Order {
    /// Takes from the command line what it says, asks for the rest where somebody can answer.
    fn of(args: &NewArgs) -> Result<Self, NewError> {
        let asks = !args.yes && ask::is_answered();
        let path = match &args.path {
            Some(path) => path.clone(),
            None if asks => ask::name().ok_or(NewError::Unnamed)?.into(),
            None => return Err(NewError::Unnamed),
        };
        let name = place::name_of(&path)?;
        // What cannot be is told before anything is asked.
        name::check(&name, args.template)?;
        Place::look(&path)?;
        let template = match args.template {
            Some(template) => template,
            None if asks => ask::template().ok_or(NewError::Unchosen)?,
            None => Template::Rust,
        };
        name::check(&name, Some(template))?;
        Ok(Self { path, name, template, git: !args.no_git })
    }
}

/// Makes the project, as a whole or, where something goes wrong or Ctrl-C comes, not at all.
fn make(order: &Order) -> Result<Repository, NewError> {
    let place = Place::look(&order.path)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let staged = runtime.map_err(NewError::Start)?.block_on(async {
        let mut signals = Signals::listen().map_err(NewError::Start)?;
        let mut interrupted = false;
        let (place, order) = (place.clone(), order.clone());
        let mut written = task::spawn_blocking(move || write(&order, &place));
        let staged = loop {
            tokio::select! {
                staged = &mut written => break staged,
                _ = signals.next() => interrupted = true,
            }
        };
        // What was written goes with the stage, unless it is taken.
        let staged = staged.map_err(|panicked| NewError::Start(panicked.into()))?;
        if interrupted { Err(NewError::Interrupted) } else { staged }
    });
    let (stage, repository) = staged?;
    place.take(stage)?;
    Ok(repository)
}

/// Writes the project beside its place.
fn write(order: &Order, place: &Place) -> Result<(Stage, Repository), NewError> {
    let stage = place.stage()?;
    for file in files::of(order) {
        stage.write(&file.path, &file.content)?;
    }
    let project = stage.project();
    if order.template == Template::Rust {
        supply_sdk(&project)?;
        supply_bindings(&project.join("src/lib.rs"))?;
    }
    let repository = match order.git {
        true => git::init(&project, place.around()),
        false => Repository::Unneeded,
    };
    Ok((stage, repository))
}
