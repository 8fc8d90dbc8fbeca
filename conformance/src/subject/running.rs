//! A subject that serves a project.

use std::net::SocketAddr;

use mik::{Origin as From, ProjectArgs};

use super::inside::Inside;
use super::lay::Laid;
use super::{Place, Subject};
use crate::case::{Filled, Project};
use crate::cases::Outcome;
use crate::clock::Clock;
use crate::log::Log;
use crate::mik::{Mik, health};
use crate::origin::Origin;
use crate::row::settled;
use crate::setup::Setup;

/// A subject, a project, and what belongs to them.
pub(crate) struct Running {
    kind: Kind,
    /// What texts stand for here.
    pub(crate) filled: Filled,
    pub(crate) origin: Option<Origin>,
    /// The process's clock, where it can be moved.
    pub(crate) clock: Option<Clock>,
}

enum Kind {
    Binary(Box<Mik>),
    Inside(Box<Inside>),
    Elsewhere(SocketAddr),
    /// The project alone, for commands.
    Folder(Box<Setup>),
}

impl Running {
    /// Starts the subject on a project, with its guests compiled; `is_served` is whether a server is wanted at all.
    pub(crate) fn start(
        subject: &Subject,
        project: &Project,
        is_served: bool,
    ) -> Result<Self, String> {
        if is_served {
            subject.warm(project)?;
            return Self::serve(subject, project);
        }
        let Laid { setup, filled, clock } = subject.lay(project, "")?;
        Ok(Self { kind: Kind::Folder(Box::new(setup)), filled, origin: None, clock })
    }

    /// Starts the subject on a project.
    pub(super) fn serve(subject: &Subject, project: &Project) -> Result<Self, String> {
        let origin = project.origin.then(Origin::start);
        let at = origin.as_ref().map(|origin| origin.address().to_string()).unwrap_or_default();
        if let Place::Elsewhere(address) = subject.place {
            let filled = Filled { host: address.to_string(), origin: at, ..Filled::default() };
            return Ok(Self { kind: Kind::Elsewhere(address), filled, origin, clock: None });
        }
        let Laid { setup, mut filled, clock } = subject.lay(project, &at)?;
        let kind = match &subject.place {
            Place::Inside(parts) => {
                let path = Some(setup.path().to_owned());
                let mut args = ProjectArgs { path, ..ProjectArgs::default() };
                if let Some(engine) = &subject.engine {
                    args.engine = Some(engine.clone());
                    args.origins.insert("engine", From::Flag);
                }
                Kind::Inside(Box::new(Inside::start(subject.shares(), &parts(), &args, setup)?))
            }
            _ => Kind::Binary(Box::new(setup.start())),
        };
        let running = Self { kind, filled: Filled::default(), origin, clock };
        filled.host = running.address().map(|address| address.to_string()).unwrap_or_default();
        Ok(Self { filled, ..running })
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Binary(mik) => Some(mik.address()),
            Kind::Inside(inside) => Some(inside.address()),
            Kind::Elsewhere(address) => Some(*address),
            Kind::Folder(_) => None,
        }
    }

    pub(crate) fn log(&self) -> Option<&Log> {
        match &self.kind {
            Kind::Binary(mik) => Some(mik.log()),
            Kind::Inside(inside) => Some(inside.log()),
            _ => None,
        }
    }

    /// The process, where it is one of its own.
    pub(crate) fn process(&self) -> Option<&Mik> {
        match &self.kind {
            Kind::Binary(mik) => Some(mik),
            _ => None,
        }
    }

    /// The project, where it is ours.
    pub(crate) fn setup(&self) -> Option<&Setup> {
        match &self.kind {
            Kind::Binary(mik) => Some(mik.setup()),
            Kind::Inside(inside) => Some(inside.setup()),
            Kind::Folder(setup) => Some(setup),
            Kind::Elsewhere(_) => None,
        }
    }

    /// Whether it lives and has nothing in flight.
    pub(crate) fn is_back(&self) -> Outcome {
        match &self.kind {
            Kind::Binary(mik) => mik.is_back(),
            Kind::Inside(inside) if !inside.lives() => Err("the server has ended".to_owned()),
            Kind::Folder(_) => Ok(()),
            Kind::Inside(_) | Kind::Elsewhere(_) => settled(|| self.in_flight()),
        }
    }

    /// How many calls are in flight, by `/health`.
    pub(crate) fn in_flight(&self) -> Option<u64> {
        health(self.address()?)["in_flight"].as_u64()
    }

    /// How many modules are loaded, by `/health`.
    pub(super) fn loaded(&self) -> Option<u64> {
        health(self.address()?)["modules"]["loaded"].as_u64()
    }
}
