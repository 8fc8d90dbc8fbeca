//! What promises have yet to do.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use boa_engine::job::{Job, JobExecutor};
use boa_engine::{Context, JsResult};
use futures_util::FutureExt;
use mik_javascript::Natives;

use crate::failure::over;

/// The jobs of one realm, in their order, until its time is over.
pub(crate) struct Jobs {
    waiting: RefCell<VecDeque<Job>>,
    natives: Option<Natives>,
}

impl Jobs {
    pub(crate) fn new(natives: Option<Natives>) -> Self {
        Self { waiting: RefCell::default(), natives }
    }

    fn next(&self) -> Option<Job> {
        self.waiting.borrow_mut().pop_front()
    }

    fn is_over(&self) -> bool {
        self.natives.as_ref().is_some_and(Natives::is_over)
    }
}

impl JobExecutor for Jobs {
    fn enqueue_job(self: Rc<Self>, job: Job, _: &mut Context) {
        self.waiting.borrow_mut().push_back(job);
    }

    fn run_jobs(self: Rc<Self>, context: &mut Context) -> JsResult<()> {
        while let Some(job) = self.next() {
            let result = match job {
                _ if self.is_over() => Err(over()),
                Job::PromiseJob(job) => job.call(context).map(drop),
                Job::GenericJob(job) => job.call(context).map(drop),
                // Modules are in memory, so that a load is ready at once. Nothing else may make a thread
                // wait: what would, `Atomics.waitAsync`, never settles.
                Job::AsyncJob(job) => {
                    let loaded = job.call(&RefCell::new(&mut *context)).now_or_never();
                    loaded.unwrap_or_else(|| Ok(Default::default())).map(drop)
                }
                // Timers are the host's. No finalizer has to run, says the specification.
                _ => Ok(()),
            };
            if result.is_err() {
                self.waiting.borrow_mut().clear();
                return result;
            }
        }
        Ok(())
    }
}
