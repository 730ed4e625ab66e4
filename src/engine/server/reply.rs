//! What the engine gives its host for a request.

use crate::http::HttpResponse;
use crate::json::object;
use serde_json::{Map, Value};

/// A response, and what only a host can add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The response. A host that does not carry out the instruction sends it as it is.
    pub response: HttpResponse,
    /// What the host does before, or while, it sends the response.
    pub instruction: Option<Instruction>,
}

/// What a host does for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// The body goes on: [`rest`](super::rest) takes this token, and gives the next piece.
    Rest(String),
    /// Send the states of the run as server-sent events in place of the response: [`run`](super::run) gives each.
    Stream(String),
    /// Hold the response back until [`Effect::UpdateEnded`](crate::engine::Effect::UpdateEnded), then send what a `GET` of
    /// the address gives.
    Wait {
        /// The run that answers the update.
        run_id: String,
        /// The position of the update in the run.
        update: usize,
        /// Where the answer is read.
        url: String,
    },
    /// Compile this Python source, and give the definition to [`handle_compiled`](super::handle_compiled).
    Compile(String),
}

impl Reply {
    /// A response with an instruction, if there is one.
    pub(super) fn with(response: HttpResponse, instruction: impl Into<Option<Instruction>>) -> Self {
        Self { response, instruction: instruction.into() }
    }

    /// What the host reads before the body: `{status, headers, rest | stream | wait | compile}`.
    pub fn head(&self) -> Value {
        let headers = self.response.headers.iter();
        let headers: Map<_, _> = headers.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let mut head = object([("status", self.response.status.into()), ("headers", Value::Object(headers))]);
        if let (Value::Object(head), Some(instruction)) = (&mut head, &self.instruction) {
            let (name, what) = instruction.entry();
            head.insert(name.to_owned(), what);
        }
        head
    }
}

impl From<HttpResponse> for Reply {
    fn from(response: HttpResponse) -> Self {
        Self::with(response, None)
    }
}

impl Instruction {
    fn entry(&self) -> (&'static str, Value) {
        match self {
            Self::Rest(token) => ("rest", token.as_str().into()),
            Self::Stream(run_id) => ("stream", run_id.as_str().into()),
            Self::Wait { run_id, update, url } => {
                let wait = [
                    ("runId", run_id.as_str().into()),
                    ("update", (*update).into()),
                    ("url", url.as_str().into()),
                ];
                ("wait", object(wait))
            }
            Self::Compile(source) => ("compile", source.as_str().into()),
        }
    }
}
