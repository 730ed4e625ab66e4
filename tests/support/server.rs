//! The embedded server with a host that runs scripted tools in virtual time.

use super::{Outcome, START};
use highway_wasm::engine::server::{self, Instruction};
use highway_wasm::engine::{CallId, Config, Effect, Engine, Record, ToolCall};
use highway_wasm::http::{HttpRequest, HttpResponse};
use highway_wasm::time::Millis;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What a scripted tool does: how many milliseconds it takes and what comes of it; `None` never ends.
pub(crate) type Tool = fn(&ToolCall) -> Option<(u64, Outcome)>;

/// The embedded engine behind its REST API.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) now: Millis,
    tool: Tool,
    calls: HashMap<CallId, (Millis, Outcome)>,
    records: Vec<Record>,
    requests: u64,
}

/// An answer, its body read as JSON.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    /// The data of a successful answer, whose envelope must suit every public client.
    pub(crate) fn data(&self) -> &Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        assert_eq!(self.body["status"], "success", "{self:?}");
        assert_eq!(self.body["success"], true, "{self:?}");
        assert!(self.body.get("state").is_none(), "{self:?}");
        &self.body["data"]
    }

    /// The code of a refusal, whose shape must be that of every refusal of the API.
    pub(crate) fn code(&self) -> &str {
        assert!(self.status >= 400, "{self:?}");
        assert_eq!(self.body["status"], "error", "{self:?}");
        assert!(self.body["message"].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        self.body["code"].as_str().unwrap()
    }
}

impl Server {
    /// A server whose tools take half a second and give the name of their task.
    pub(crate) fn new() -> Self {
        Self::with_tool(|call| Some((500, Ok(json!({"stdout": call.task, "returncode": 0})))))
    }

    pub(crate) fn with_tool(tool: Tool) -> Self {
        Self::made(Config::default(), tool)
    }

    /// A server whose engine has these settings.
    pub(crate) fn with_config(config: Config) -> Self {
        Self { engine: Engine::new(config), ..Self::new() }
    }

    fn made(config: Config, tool: Tool) -> Self {
        let (calls, records) = (HashMap::new(), Vec::new());
        Self { engine: Engine::new(config), now: START, tool, calls, records, requests: 0 }
    }

    /// The engine is lost with all its tools, and built again from its journal, with other settings.
    pub(crate) fn restart(&mut self, config: Config) {
        self.engine = Engine::replay(config, self.records.iter().cloned());
        self.calls.clear();
    }

    /// Answers a request; a run it creates gets the id `run-<number of the request>`.
    pub(crate) fn handle(&mut self, request: &HttpRequest) -> HttpResponse {
        self.requests += 1;
        let id = format!("run-{}", self.requests);
        let server::Reply { mut response, mut instruction } =
            server::handle(&mut self.engine, request, &id, self.now);
        while let Some(Instruction::Rest(token)) = instruction {
            let (piece, next) = server::rest(&self.engine, &token).unwrap();
            response.body.push_str(&piece);
            instruction = next.map(Instruction::Rest);
        }
        self.take();
        response
    }

    pub(crate) fn send(&mut self, request: &HttpRequest) -> Reply {
        let response = self.handle(request);
        assert_eq!(response.header("Content-Type"), Some("application/json"));
        // An answer to HEAD has no body.
        let body = if response.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&response.body).unwrap()
        };
        Reply { status: response.status, body }
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[], None)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.request("POST", path, &[], Some(&body.to_string()))
    }

    /// Submits a definition under an idempotency key.
    pub(crate) fn submit(&mut self, key: &str, body: &Value) -> Reply {
        let headers = [("x-idempotency-key", key)];
        self.request("POST", "/workflows", &headers, Some(&body.to_string()))
    }

    /// Sends a request to a path below `/api/v1`.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Reply {
        let headers = headers.iter();
        self.send(&HttpRequest {
            method: method.to_owned(),
            url: format!("/api/v1{path}"),
            headers: headers.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            body: body.map(str::to_owned),
        })
    }

    /// Time passes; tools end and timers fire in order.
    pub(crate) fn advance(&mut self, millis: u64) {
        let target = self.now + millis;
        loop {
            let tool = self.calls.iter().map(|(call, (at, _))| (*at, *call)).min();
            let timer = self.engine.next_wake();
            let more = self.engine.has_more().then_some(self.now);
            let next = tool.map(|(at, _)| at).into_iter().chain(timer).chain(more).min();
            let Some(next) = next.filter(|at| *at <= target) else {
                break;
            };
            self.now = self.now.max(next);
            match tool.filter(|(at, _)| *at == next) {
                Some((_, call)) => {
                    let (_, outcome) = self.calls.remove(&call).unwrap();
                    self.engine.tool_finished(call, outcome, self.now);
                }
                None => self.engine.tick(self.now),
            }
            self.take();
        }
        self.now = target;
    }

    fn take(&mut self) {
        let output = self.engine.take_output();
        self.records.extend(output.records);
        for effect in output.effects {
            match effect {
                Effect::StartTool(call) => {
                    if let Some((takes, outcome)) = (self.tool)(&call) {
                        self.calls.insert(call.call, (self.now + takes, outcome));
                    }
                }
                Effect::AbortTool { call, .. } => drop(self.calls.remove(&call)),
                _ => {}
            }
        }
    }
}
