//! One run of a script: its world on one side, the calls that it makes on the other.
//!
//! The run is a future of the connection's own task. It hands events to the world, which comes back with
//! effects; those it does here, where there is a reactor. Dropping it ends everything that belongs to it.

mod effect;
mod fault;
mod message;
mod natives;
mod pile;
mod seat;
mod tail;
mod work;

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, FutureExt};
use futures_util::stream::FuturesUnordered;
use http_body_util::channel;
use mik_core::{Body, Call, CallError, Request, Response};
use tokio::time::{Instant, sleep_until};

use crate::script::Loaded;
use crate::threads::Watch;
use crate::{Broken, Event, Value, Vm};
use effect::{Content, Effect};
use fault::{broken, refused, uncaught};
use message::Arrived;
pub use natives::Natives;
pub use seat::{Pinned, Roaming, Seat, Step};
use tail::Tail;
use work::Work;

/// Answers one request with a script.
pub(crate) async fn answer<V: Vm>(
    script: Arc<Loaded<V>>,
    request: Request,
    call: Call,
) -> Result<Response, CallError> {
    let deadline = call.deadline();
    let mut run = Run::new(script, call);
    run.start(request)?;
    loop {
        run.turn(deadline).await?;
        if let Some(answer) = run.answer.take() {
            return Ok(Tail::behind(answer, run));
        }
    }
}

/// A run under way.
struct Run<V: Vm> {
    script: Arc<Loaded<V>>,
    call: Call,
    watch: Arc<Watch>,
    seat: V::Seat,
    events: Vec<Event>,
    /// Bodies that the script may read or hand on.
    bodies: HashMap<u32, Body>,
    /// Bodies that it writes.
    pipes: HashMap<u32, Pipe>,
    work: FuturesUnordered<Work>,
    /// How to give up what is under way, by operation.
    handles: HashMap<u32, AbortHandle>,
    answer: Option<Answer>,
    is_over: bool,
}

type Sender = channel::Sender<bytes::Bytes, CallError>;

/// A body that the script writes: the end that it writes to, and the one that somebody will read.
struct Pipe {
    sender: Option<Sender>,
    body: Option<Body>,
}

/// What a script has answered.
struct Answer {
    response: Response,
    /// Whether the script itself writes the body.
    is_written: bool,
}

impl<V: Vm> Run<V> {
    fn new(script: Arc<Loaded<V>>, call: Call) -> Self {
        let watch = Arc::new(Watch::new(call.deadline().into_std(), script.limits.cpu));
        let seat = V::Seat::new(script.clone(), watch.clone());
        seat.natives().begin(
            call.clone(),
            watch.clone(),
            script.limits.log.get(),
            script.world.memory,
        );
        Self {
            script,
            call,
            watch,
            seat,
            events: Vec::new(),
            bodies: HashMap::new(),
            pipes: HashMap::new(),
            work: FuturesUnordered::new(),
            handles: HashMap::new(),
            answer: None,
            is_over: false,
        }
    }

    fn start(&mut self, request: Request) -> Result<(), CallError> {
        let (head, body) = request.into_parts();
        let [method, url, headers] = message::facts(&head);
        let body = self.arrive(body);
        let id = self.call.request_id().to_string();
        let name = self.script.name.as_str();
        self.events.push(Event::Start(vec![method, url, headers, body, id.into(), name.into()]));
        self.step()
    }

    /// Gives a body to the script: its number, or `undefined` where there is none.
    fn arrive(&mut self, body: Body) -> Value {
        let arrived = Arrived::from(body);
        if let Arrived::Empty = arrived {
            return Value::Undefined;
        }
        let number = self.seat.natives().body();
        match arrived {
            Arrived::Whole(bytes) => self.seat.natives().put(number, bytes),
            Arrived::Stream(body) => drop(self.bodies.insert(number, body)),
            Arrived::Empty => {}
        }
        f64::from(number).into()
    }

    /// Tells the world what has happened.
    fn step(&mut self) -> Result<(), CallError> {
        let events = std::mem::take(&mut self.events);
        self.seat.natives().settled(&events);
        self.seat.step(events).map_err(refused)
    }

    /// Waits until something has happened, and sees to it.
    async fn turn(&mut self, deadline: Instant) -> Result<(), CallError> {
        let is_out = self.seat.is_out();
        if !is_out && self.work.is_empty() {
            return Err(CallError::NoResponse(
                "the script waits for something that nothing will ever settle".into(),
            ));
        }
        tokio::select! {
            biased;
            step = poll_fn(|cx| self.seat.poll(cx)), if is_out => self.apply(step)?,
            Some(done) = self.work.next(), if !self.work.is_empty() => {
                self.settle(done);
                while let Some(Some(done)) = self.work.next().now_or_never() {
                    self.settle(done);
                }
            }
            () = sleep_until(deadline) => return Err(self.late()),
        }
        if !self.events.is_empty() && !self.seat.is_out() && !self.is_over {
            self.step()?;
        }
        Ok(())
    }

    /// Does what the world has asked for.
    fn apply(&mut self, step: Step) -> Result<(), CallError> {
        let calls = step.effects.iter().filter(|effect| matches!(effect, Effect::Call(_))).count();
        for effect in step.effects {
            match effect {
                // Each beyond the first may have a core of its own.
                Effect::Call(call) => self.call(call, calls > 1),
                Effect::Read { op, body, all } => self.read(op, body, all),
                Effect::Timer { op, time } => self.timer(op, time),
                Effect::Open(body) => self.open(body),
                Effect::Write { op, body, bytes } => self.write(op, body, bytes),
                Effect::Cancel(op) => {
                    if let Some(handle) = self.handles.remove(&op) {
                        handle.abort();
                    }
                }
                Effect::Close(body) => self.close(body),
                Effect::Fail(body, reason) => self.fail(body, &reason),
                Effect::Respond { status, headers, body } => {
                    self.respond(status, &headers, body)?;
                }
                Effect::Throw(thrown) => {
                    return Err(uncaught(&self.script.name, &self.call, thrown));
                }
                Effect::Done => self.is_over = true,
            }
        }
        let Err(reason) = step.result else { return Ok(()) };
        let error = broken(&self.script.name, &self.call, &self.watch, reason);
        if self.answer.is_none() {
            return Err(error);
        }
        // The answer was given before.
        tracing::warn!(
            target: "mik::script",
            script = %self.script.name,
            request_id = %self.call.request_id(),
            "after its answer: {error}"
        );
        self.is_over = true;
        Ok(())
    }

    fn respond(
        &mut self,
        status: f64,
        headers: &[(String, String)],
        content: Content,
    ) -> Result<(), CallError> {
        let is_written = matches!(&content, Content::Handle(body) if self.pipes.contains_key(body));
        let body = self.content(content);
        let response = body.and_then(|body| message::response(status, headers, body));
        let response = response.map_err(|reason| {
            let message = format!("the answer of the script cannot be sent: {reason}");
            broken(&self.script.name, &self.call, &self.watch, Broken::threw(message))
        })?;
        self.answer = Some(Answer { response, is_written });
        Ok(())
    }

    /// A body that the script hands on. It never enters its heap.
    fn content(&mut self, content: Content) -> Result<Body, String> {
        match content {
            Content::Empty => Ok(Body::empty()),
            Content::Full(bytes) => Ok(bytes.into()),
            Content::Handle(number) => {
                let body = self.bodies.remove(&number);
                let body = body.or_else(|| self.pipes.get_mut(&number)?.body.take());
                body.ok_or_else(|| "its body was used before".to_owned())
            }
        }
    }

    fn late(&self) -> CallError {
        self.watch.stop();
        CallError::Timeout("no answer of the script by the deadline")
    }

    /// The head is out: what is still to be done must be done within so much time from now.
    fn extend(&mut self, time: Duration) -> Instant {
        let deadline = Instant::now() + time;
        self.watch.move_to(deadline.into_std());
        deadline
    }
}
