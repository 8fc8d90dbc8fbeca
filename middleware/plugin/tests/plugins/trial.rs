//! A plugin that does in each hook what the query says, and logs what it sees.
//!
//! `ask=request,response-changes,end` is what it asks for; `HOOK=DEED` is what it does in a hook, where
//! the hooks are `request`, `response`, `request-body`, `response-body` (at a chunk), `request-end`,
//! `response-end` (at the end of a body).

use mik_plugin::{
    Action, Asks, Chunk, End, Exchange, Host, Level, Outcome, Plugin, Refused, Reply, RequestHead,
    ResponseHead,
};

struct Trial {
    host: Host,
}

/// What one request keeps.
#[derive(Default)]
struct Kept {
    host: Option<Host>,
    hooks: usize,
}

impl Trial {
    fn log(&self, state: &mut Kept, line: &str) {
        state.hooks += 1;
        self.host.log(Level::Debug, &format!("{} {line}", state.hooks));
    }
}

impl Plugin for Trial {
    type State = Kept;

    fn new(config: &str, host: &Host) -> Outcome<Self> {
        host.log(Level::Debug, &format!("new {config} {:?} {}", host.abi(), host.product()));
        Ok(Self { host: host.clone() })
    }

    fn on_request(&self, request: &mut RequestHead<'_>, state: &mut Kept) -> Outcome<Action> {
        state.host = Some(self.host.clone());
        self.log(state, "request");
        for what in deed(request, "ask").unwrap_or_default().split(',') {
            request.ask(match what {
                "request" => Asks::REQUEST_BODY,
                "request-changes" => Asks::REQUEST_BODY_CHANGES,
                "response" => Asks::RESPONSE_BODY,
                "response-changes" => Asks::RESPONSE_BODY_CHANGES,
                "end" => Asks::END,
                _ => continue,
            })?;
        }
        match deed(request, "request") {
            Some("line-break") => {
                let refused = request.headers_mut().set("x-a", "1\r\nx-b: 2");
                assert_eq!(refused, Err(Refused::Invalid));
                Ok(Action::Continue)
            }
            Some("bad-reply") => Ok(Reply::new(200).header("x-a", "1\r\nx-b: 2").into()),
            Some("length-reply") => Ok(Reply::new(401).header("content-length", "99").into()),
            Some("early-reply") => Ok(Reply::new(103).into()),
            Some("facts") => Ok(Reply::new(200).body(facts(request)).into()),
            deed => common(deed),
        }
    }

    fn on_response(&self, response: &mut ResponseHead<'_>, state: &mut Kept) -> Outcome<Action> {
        self.log(state, &format!("response {}", response.status()));
        match deed(response, "response") {
            Some("status") => {
                assert_eq!(response.set_status(99), Err(Refused::Invalid));
                assert_eq!(response.set_status(103), Err(Refused::Invalid));
                response.set_status(418)?;
            }
            Some("ask-request") => {
                // Too late; to overlook that must not open a door.
                let _ = response.ask(Asks::REQUEST_BODY);
            }
            Some("ask") => response.ask(Asks::RESPONSE_BODY_CHANGES)?,
            Some("line-break") => {
                let refused = response.headers_mut().append("x-a", "1\nx-b: 2");
                assert_eq!(refused, Err(Refused::Invalid));
                let refused = response.headers_mut().set("x a", "1");
                assert_eq!(refused, Err(Refused::Invalid));
                let refused = response.headers_mut().set("Content-Length", "1");
                assert_eq!(refused, Err(Refused::Denied));
            }
            deed => return common(deed),
        }
        Ok(Action::Continue)
    }

    fn on_request_body(&self, chunk: &mut Chunk<'_>, state: &mut Kept) -> Outcome<Action> {
        self.log(state, &seen("request", chunk));
        let hook = if chunk.is_end() { "request-end" } else { "request-body" };
        let deed = deed(chunk, hook);
        change(chunk, deed)?;
        common(deed)
    }

    fn on_response_body(&self, chunk: &mut Chunk<'_>, state: &mut Kept) -> Outcome<()> {
        self.log(state, &seen("response", chunk));
        let hook = if chunk.is_end() { "response-end" } else { "response-body" };
        let deed = deed(chunk, hook);
        change(chunk, deed)?;
        common(deed).map(|_| ())
    }

    fn on_end(&self, request: &Exchange<'_>, mut state: Kept, end: &End) {
        let status = end.status.unwrap_or_default();
        let line = format!("end {:?} {status} {} {}", end.how, end.bytes, request.path());
        self.log(&mut state, &line);
        assert_ne!(deed(request, "end"), Some("panic"), "in the end");
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(host) = &self.host {
            host.log(Level::Debug, "state dropped");
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.host.log(Level::Debug, "dropped");
    }
}

/// What the query says of a hook.
fn deed<'a>(exchange: &Exchange<'a>, hook: &str) -> Option<&'a str> {
    let mut pairs = exchange.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == hook).map(|(_, deed)| deed)
}

fn common(deed: Option<&str>) -> Outcome<Action> {
    match deed {
        Some("panic") => panic!("on trial"),
        Some("error") => Err("it was told to".into()),
        Some("reply") => Ok(Reply::new(403).header("x-from", "trial").body("no").into()),
        _ => Ok(Action::Continue),
    }
}

fn change(chunk: &mut Chunk<'_>, deed: Option<&str>) -> Outcome<()> {
    match deed {
        Some("upper") => chunk.replace(chunk.bytes().to_ascii_uppercase())?,
        Some("drop") => chunk.replace("")?,
        Some("twice") => {
            chunk.replace(chunk.bytes())?;
            chunk.replace(chunk.bytes())?;
        }
        Some("append") => chunk.replace("!")?,
        // To overlook that nothing was changed must not let it pass.
        Some("unasked") => drop(chunk.replace("other")),
        _ => {}
    }
    Ok(())
}

fn seen(side: &str, chunk: &Chunk<'_>) -> String {
    let bytes = String::from_utf8_lossy(chunk.bytes());
    if chunk.is_end() { format!("{side} body over") } else { format!("{side} body {bytes}") }
}

fn facts(request: &RequestHead<'_>) -> String {
    let headers = request.headers();
    let text = |name| headers.all(name).map(String::from_utf8_lossy).collect::<Vec<_>>().join("+");
    let mut all: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    all.sort_unstable();
    format!(
        "{} {} {:?} {} {:?} {:?} {:?} id:{} {} all:{}",
        request.method(),
        request.path(),
        request.query(),
        request.route(),
        request.module(),
        request.script(),
        request.peer(),
        request.id().len(),
        text("x-many"),
        all.join(",")
    )
}

mik_plugin::export!(Trial, name = "trial");
