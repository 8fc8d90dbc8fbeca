//! What a run does for its script: calls, reads, writes and timers.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{AbortHandle, Abortable, FutureExt};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use mik_core::{Body, CallError, Response, SendOptions};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::effect::Outgoing;
use super::{Pipe, Run, Sender, message};
use crate::{Event, Value, Vm};

/// Something under way; `None` once it was given up.
pub(super) type Work = Pin<Box<dyn Future<Output = Option<Done>> + Send>>;

/// What has come of it.
pub(super) struct Done {
    op: u32,
    result: Outcome,
}

enum Outcome {
    Called(Result<Response, CallError>),
    /// A body was read, and goes back to where it was, if there is more.
    Read(Result<Option<Bytes>, String>, Option<(u32, Body)>),
    Wrote(bool, u32, Sender),
    Waited,
    /// It could not even begin.
    Refused(&'static str, String),
}

impl<V: Vm> Run<V> {
    /// Has `work` done; `op` names it.
    fn add(&mut self, op: u32, work: impl Future<Output = Outcome> + Send + 'static) {
        let (handle, registration) = AbortHandle::new_pair();
        self.handles.insert(op, handle);
        let work = work.map(move |result| Done { op, result });
        self.work.push(Box::pin(Abortable::new(work, registration).map(Result::ok)));
    }

    pub(super) fn call(&mut self, call: Outgoing, on_its_own: bool) {
        let Outgoing { op, timeout, .. } = call;
        if !self.call.has_module(&call.module) {
            let reason = format!("there is no module {:?} that this script may call", call.module);
            return self.refuse(op, "MODULE_NOT_FOUND", reason);
        }
        let mut call = call;
        let content = std::mem::replace(&mut call.body, super::Content::Empty);
        let request = self.content(content).and_then(|body| message::request(&call, body));
        let request = match request {
            Ok(request) => request,
            Err(reason) => return self.refuse(op, "HANDLER_ERROR", reason),
        };
        let mut parent = self.call.clone();
        if let Some(timeout) = timeout {
            parent = parent.with_deadline(Instant::now() + timeout);
        }
        let sending = parent.send(request, SendOptions::default());
        match on_its_own {
            true => {
                let task = Owned(tokio::spawn(sending));
                self.add(op, task.map(Outcome::Called));
            }
            false => self.add(op, sending.map(Outcome::Called)),
        }
    }

    fn refuse(&mut self, op: u32, code: &'static str, reason: String) {
        self.add(op, std::future::ready(Outcome::Refused(code, reason)));
    }

    pub(super) fn read(&mut self, op: u32, number: u32, all: bool) {
        let Some(mut body) = self.bodies.remove(&number) else {
            // What was in memory has been read as one piece.
            let end = if all { Some(Bytes::new()) } else { None };
            return self.add(op, std::future::ready(Outcome::Read(Ok(end), None)));
        };
        if all {
            let most = self.script.world.memory;
            self.add(op, async move { Outcome::Read(whole(body, most).await.map(Some), None) });
        } else {
            self.add(op, async move {
                match piece(&mut body).await {
                    Ok(Some(bytes)) => Outcome::Read(Ok(Some(bytes)), Some((number, body))),
                    ended => Outcome::Read(ended, None),
                }
            });
        }
    }

    pub(super) fn timer(&mut self, op: u32, time: Duration) {
        self.add(op, tokio::time::sleep(time).map(|()| Outcome::Waited));
    }

    pub(super) fn write(&mut self, op: u32, number: u32, bytes: Bytes) {
        match self.pipes.get_mut(&number).and_then(|pipe| pipe.sender.take()) {
            Some(mut sender) => self.add(op, async move {
                let went = sender.send(Frame::data(bytes)).await.is_ok();
                Outcome::Wrote(went, number, sender)
            }),
            None => self.refuse(op, "CLOSED", "the body is closed".to_owned()),
        }
    }

    /// A body that the script will write, and hand on.
    pub(super) fn open(&mut self, number: u32) {
        let (sender, body) = Channel::new(1);
        let pipe = Pipe { sender: Some(sender), body: Some(Body::stream(body)) };
        self.pipes.insert(number, pipe);
    }

    pub(super) fn close(&mut self, number: u32) {
        // Dropping the sender is the clean end.
        match self.pipes.get_mut(&number) {
            Some(pipe) => drop(pipe.sender.take()),
            None => drop(self.bodies.remove(&number)),
        }
    }

    pub(super) fn fail(&mut self, number: u32, reason: &str) {
        let pipe = self.pipes.get_mut(&number);
        if let Some(sender) = pipe.and_then(|pipe| pipe.sender.take()) {
            let message = format!("the script broke off its body: {reason}");
            sender.abort(CallError::Script { message: message.into() });
        }
    }

    /// Tells the script what has come of its work.
    pub(super) fn settle(&mut self, done: Option<Done>) {
        let Some(Done { op, result }) = done else { return };
        self.handles.remove(&op);
        let event = match result {
            Outcome::Called(Ok(response)) => {
                let (head, body) = response.into_parts();
                let status = f64::from(head.status.as_u16()).into();
                let headers = message::headers(&head.headers);
                let body = self.arrive(body);
                Event::Settle(op, Value::List(vec![status, headers, body]))
            }
            Outcome::Called(Err(error)) => {
                Event::Reject(op, message::code(&error), error.to_string())
            }
            Outcome::Read(Ok(bytes), rest) => {
                self.bodies.extend(rest);
                Event::Settle(op, bytes.map_or(Value::Null, Value::Bytes))
            }
            Outcome::Read(Err(reason), _) => Event::Reject(op, "BODY_ERROR", reason),
            Outcome::Wrote(true, number, sender) => {
                if let Some(pipe) = self.pipes.get_mut(&number) {
                    pipe.sender = Some(sender);
                }
                Event::Settle(op, Value::Undefined)
            }
            Outcome::Wrote(false, ..) => {
                Event::Reject(op, "CLOSED", "nobody reads this body any more".to_owned())
            }
            Outcome::Waited => Event::Settle(op, Value::Undefined),
            Outcome::Refused(code, reason) => Event::Reject(op, code, reason),
        };
        self.events.push(event);
    }
}

/// All of a body, up to `most` bytes.
async fn whole(mut body: Body, most: usize) -> Result<Bytes, String> {
    let expected = body.length().and_then(|length| usize::try_from(length).ok());
    let mut all = BytesMut::with_capacity(expected.unwrap_or(0).min(64 << 10));
    let too_large = || format!("the body is larger than the script's memory of {most} bytes");
    if expected.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    while let Some(bytes) = piece(&mut body).await? {
        if all.len() + bytes.len() > most {
            return Err(too_large());
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all.freeze())
}

/// The next piece of a body.
async fn piece(body: &mut Body) -> Result<Option<Bytes>, String> {
    while !body.is_end_stream() {
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Some(Err(error)) => return Err(format!("the body broke off: {error}")),
            None => break,
        }
    }
    Ok(None)
}

/// A call on a task of its own, which ends with this.
struct Owned(JoinHandle<Result<Response, CallError>>);

impl Future for Owned {
    type Output = Result<Response, CallError>;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.0.poll_unpin(cx).map(|result| {
            result.unwrap_or_else(|_| Err(CallError::Panic("a call panicked".into())))
        })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abort();
    }
}
