//! Failures, as the client sees them.

use super::{reason, Response, ResponseBody};
use crate::json::{ToJson, Writer};

/// What went wrong, as `application/problem+json` (RFC 9457).
///
/// ```
/// use mik_sdk::{response::Problem, Response};
///
/// let problem = Problem::new(409).detail("the order was paid already").with("order", &17);
/// let response = Response::from(problem);
/// assert_eq!(response.status, 409);
/// ```
#[derive(Debug)]
pub struct Problem {
    status: u16,
    kind: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    /// Names, and values as JSON.
    others: Vec<(String, String)>,
}

impl Problem {
    /// A problem of no kind in particular: the status says it.
    pub fn new(status: u16) -> Self {
        Self { status, kind: None, title: None, detail: None, others: Vec::new() }
    }

    /// A URI for this kind of problem; without it, `about:blank`.
    #[must_use]
    pub fn kind(mut self, uri: &str) -> Self {
        self.kind = Some(uri.to_owned());
        self
    }

    /// What this kind of problem is called; without it, the name of the status.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    /// What went wrong this time. An empty text is left out.
    #[must_use]
    pub fn detail(mut self, detail: &str) -> Self {
        self.detail = (!detail.is_empty()).then(|| detail.to_owned());
        self
    }

    /// One more member.
    #[must_use]
    pub fn with<T: ToJson + ?Sized>(mut self, name: &str, value: &T) -> Self {
        self.others.push((name.to_owned(), crate::json::to_string(value)));
        self
    }

    fn to_json(&self) -> String {
        let mut writer = Writer::new();
        writer.begin_object();
        writer.key("type");
        writer.string(self.kind.as_deref().unwrap_or("about:blank"));
        writer.key("title");
        writer.string(self.title.as_deref().unwrap_or(reason(self.status)));
        writer.key("status");
        writer.unsigned(self.status.into());
        if let Some(detail) = &self.detail {
            writer.key("detail");
            writer.string(detail);
        }
        for (name, value) in &self.others {
            writer.key(name);
            writer.raw(value);
        }
        writer.end_object();
        writer.finish()
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let mut response =
            Self::new(problem.status).header("content-type", "application/problem+json");
        response.body = ResponseBody::Text(problem.to_json());
        response
    }
}
