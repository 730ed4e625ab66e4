//! The reply to a request: a response, and an instruction for the host.

use crate::engine::UpdateIx;
use crate::http::HttpResponse;
use crate::json::object;
use serde_json::{Map, Value};

/// A response, and an instruction that only a host can carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The response. A host that cannot carry out the instruction sends the response as it is.
    pub response: HttpResponse,
    /// The instruction for the host, to carry out before or while it sends the response.
    pub instruction: Option<Instruction>,
}

/// An instruction for the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// The body continues: [`rest`](super::rest) takes this token and returns the next piece.
    Rest(String),
    /// Send the states of the run as server-sent events in place of the response. [`run`](super::run) returns each
    /// state.
    Stream(String),
    /// Delay the response until [`Effect::UpdateEnded`](crate::engine::Effect::UpdateEnded), then send the answer to a
    /// `GET` of the address.
    Wait {
        /// The run that answers the update.
        run_id: String,
        /// The position of the update in the run.
        update: UpdateIx,
        /// The address of the answer.
        url: String,
    },
    /// Compile this Python source, and pass the definition to [`handle_compiled`](super::handle_compiled). If the body has no
    /// source, a host that compiles passes `null`, and gets the refusal.
    Compile(Option<String>),
}

impl Reply {
    /// A response with an instruction, if there is one.
    pub(super) fn with(response: HttpResponse, instruction: impl Into<Option<Instruction>>) -> Self {
        Self { response, instruction: instruction.into() }
    }

    /// The head of the reply for the host, without the body: `{status, headers, rest | stream | wait | compile}`.
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
                    ("update", update.get().into()),
                    ("url", url.as_str().into()),
                ];
                ("wait", object(wait))
            }
            Self::Compile(source) => ("compile", source.as_deref().into()),
        }
    }
}
