//! The embedded engine behind a handle. All methods are synchronous.

use super::convert::{JsResult, give, parse};
use super::memory::{Memory, make_room_for_values, make_room_to_read};
use crate::definition::duration;
use crate::engine::server;
use crate::engine::{
    Acts, CallId, Config, Effect, Engine, Failure, Journal, Limit, Limits, LogLevel, Output, Record, Secrets,
    Snapshot, Stream, Zones, write_effects, write_records,
};
use crate::error::{Error, ErrorCode};
use crate::http::HttpRequest;
use crate::json::number::clamp;
use crate::json::write_json;
use crate::template::Mode;
use crate::time::Millis;
use serde_json::Value;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The services of the host for an engine.
    pub type EngineHost;

    /// How far the clocks of a time zone are ahead of UTC at a moment, in milliseconds; `None` for an unknown zone.
    #[wasm_bindgen(method, js_name = zoneOffset)]
    fn zone_offset(this: &EngineHost, zone: &str, at: f64) -> Option<f64>;
}

/// A handle to an engine. Times are milliseconds since the start of 1970.
#[wasm_bindgen]
#[derive(Debug)]
pub struct EngineHandle {
    engine: Engine,
    journal: Journal,
    snapshot: Option<Snapshot>,
    effects: Vec<Effect>,
    memory: Memory,
}

/// The size of outcomes, in bytes, from which memory is reserved for them.
const LONG: usize = 1 << 16;

#[wasm_bindgen]
impl EngineHandle {
    /// A new engine from `{concurrency?, keepRuns?, templates?, limits?, timeline?, env?, secrets?, isDurable?, tools?,
    /// ownTools?}`.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str, host: EngineHost) -> JsResult<Self> {
        let value = give(parse(config))?;
        let mut config = Config::default();
        if let Some(concurrency) = value.get("concurrency").and_then(Value::as_u64) {
            config.concurrency = usize::try_from(concurrency).unwrap_or(usize::MAX).max(1);
        }
        config.keep_runs =
            value.get("keepRuns").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
        if value.get("templates").and_then(Value::as_str) == Some("lenient") {
            config.templates = Mode::Lenient;
        }
        if let Some(limits) = value.get("limits") {
            config.limits = give(Limits::from_json(limits))?;
        }
        config.timeline = value.get("timeline") == Some(&Value::Bool(true));
        if let Some(env) = value.get("env").and_then(Value::as_object) {
            config.env.clone_from(env);
        }
        if let Some(secrets) = value.get("secrets").and_then(Value::as_object) {
            config.secrets = Secrets::new(secrets.clone());
        }
        config.is_durable = value.get("isDurable").and_then(Value::as_bool) != Some(false);
        let names = |key: &str| {
            let names = value.get(key).and_then(Value::as_array)?;
            Some(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        config.tools = names("tools");
        config.own_tools = names("ownTools").unwrap_or_default();
        config.zones = Zones::new(move |zone, at| {
            #[expect(clippy::cast_precision_loss, reason = "moments are below 2^53 milliseconds")]
            #[expect(clippy::cast_possible_truncation, reason = "clocks differ by hours")]
            host.zone_offset(zone, at as f64).map(|offset| offset as i64)
        });
        Ok(Self {
            engine: Engine::new(config),
            journal: Journal::default(),
            snapshot: None,
            effects: Vec::new(),
            memory: Memory::default(),
        })
    }

    /// Replays one entry from a store, as [`take_records`](Self::take_records) returned it. All entries come in order,
    /// and before any other call. The result says whether a snapshot ends with the entry.
    pub fn replay(&mut self, records: &str) -> JsResult<bool> {
        self.memory.grow_ahead();
        let records = give(self.journal.read(records))?;
        let ends_snapshot = records.iter().any(Record::ends_snapshot);
        self.engine.restore(records);
        Ok(ends_snapshot)
    }

    /// Says that no further entry comes: an error if one is missing.
    #[wasm_bindgen(js_name = endReplay)]
    pub fn end_replay(&self) -> JsResult<()> {
        give(self.journal.end())
    }

    /// Continues after a replay: starts the tools again that were running.
    pub fn resume(&mut self, now: f64) {
        self.engine.resume(millis(now));
    }

    /// Answers the request `{method, url, headers}`. The result is a line `{status, headers, rest | stream | wait |
    /// compile}` and, after the line break, the body. `new_id` becomes the id of a run that the request creates;
    /// `definition` is the definition that the Python in the body gives. Bodies may be large, so they are not wrapped
    /// in JSON.
    pub fn request(
        &mut self,
        head: &str,
        body: Option<String>,
        new_id: &str,
        now: f64,
        definition: Option<String>,
    ) -> JsResult<String> {
        self.memory.grow_ahead();
        make_room_to_read(body.as_ref().map_or(0, String::len));
        let request = give(parse(head))?;
        let text = |key: &str| request.get(key).and_then(Value::as_str).map(str::to_owned);
        let headers = request.get("headers").and_then(Value::as_object).into_iter().flatten();
        let request = HttpRequest {
            method: text("method").unwrap_or_default(),
            url: text("url").unwrap_or_default(),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            body,
        };
        let (engine, now) = (&mut self.engine, millis(now));
        let reply = match definition {
            None => server::handle(engine, &request, new_id, now),
            Some(definition) => server::handle_compiled(engine, &request, &definition, new_id, now),
        };
        Ok(write_json(&reply.head()) + "\n" + &reply.response.body)
    }

    /// Answers a request that the host makes itself, about a run, an approval or a schedule. The result is a line with
    /// the status and, after the line break, the body.
    pub fn operate(
        &mut self,
        operation: &str,
        subject: &str,
        body: Option<String>,
        new_id: &str,
        now: f64,
    ) -> String {
        self.memory.grow_ahead();
        make_room_to_read(body.as_ref().map_or(0, String::len));
        let operation = (operation, subject);
        let response = server::operate(&mut self.engine, operation, body, new_id, millis(now));
        format!("{}\n{}", response.status, response.body)
    }

    /// A run as its event stream shows it. The result is a line (`over` if the run has ended, else empty) and, after
    /// the line break, JSON text. `None` if the run no longer exists.
    pub fn run(&self, id: &str) -> Option<String> {
        let (run, is_over) = server::run(&self.engine, id)?;
        Some(format!("{}\n{run}", if is_over { "over" } else { "" }))
    }

    /// The bytes of an artifact as base64.
    pub fn artifact(&self, id: &str) -> Option<String> {
        self.engine.artifact(id).map(|artifact| artifact.content.to_string())
    }

    /// The next piece of an answer. The result is a line with the argument for the piece after it (empty at the end)
    /// and, after the line break, the piece. `None` if the run no longer exists.
    pub fn rest(&self, rest: &str) -> Option<String> {
        let (piece, rest) = server::rest(&self.engine, rest)?;
        Some(rest.unwrap_or_default() + "\n" + &piece)
    }

    /// Reports output of a running tool, to `stdout` or `stderr`.
    pub fn wrote(&mut self, call: f64, stream: &str, text: &str, now: f64) {
        self.engine.wrote(CallId::new(whole(call)), Stream::of_word(stream), text, millis(now));
    }

    /// Adds a tool of the host, or replaces the one with this name. `is_own` says whether it is one of this package's
    /// tools.
    #[wasm_bindgen(js_name = addTool)]
    pub fn add_tool(&mut self, name: &str, is_own: bool) {
        self.engine.add_tool(name, is_own);
    }

    /// The variables that a running call can read, as JSON text.
    pub fn variables(&self, call: f64) -> String {
        write_json(&Value::Object(self.engine.variables_of_call(CallId::new(whole(call)))))
    }

    /// Reports the outcomes of calls: `[[call, "result", value, {variables, events}?] | [call, "failure", {code?,
    /// message?, help?, retryable?, retryAfter?, messageLimit?, result?}], …]`.
    #[wasm_bindgen(js_name = toolsFinished)]
    pub fn tools_finished(&mut self, outcomes: &str, now: f64) -> JsResult<()> {
        self.memory.grow_ahead();
        if outcomes.len() > LONG {
            make_room_for_values(outcomes);
        }
        let Value::Array(outcomes) = give(parse(outcomes))? else { return Ok(()) };
        for outcome in outcomes {
            let Value::Array(parts) = outcome else { continue };
            let mut parts = parts.into_iter();
            let (Some(call), Some(kind), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let call = CallId::new(call.as_u64().unwrap_or_default());
            let acts = parts.next().map(Acts::from_json).unwrap_or_default();
            let outcome = if let Err(error) = self.engine.tool_acted(call, acts, millis(now)) {
                Err((Failure::from(&error), None))
            } else if kind == "result" {
                Ok(value)
            } else {
                let result = value.get("result").filter(|result| !result.is_null()).cloned();
                Err((Failure::from_json(&value), result))
            };
            self.engine.tool_finished(call, outcome, millis(now));
        }
        Ok(())
    }

    /// Reports a line of the log of a running call.
    pub fn log(&mut self, call: f64, level: &str, message: &str, now: f64) {
        self.engine.log(CallId::new(whole(call)), LogLevel::of_word(level), message, millis(now));
    }

    /// Reports a heartbeat of a running call. `details` is JSON text.
    pub fn heartbeat(&mut self, call: f64, details: &str, now: f64) -> JsResult<()> {
        self.engine.heartbeat(CallId::new(whole(call)), give(parse(details))?, millis(now));
        Ok(())
    }

    /// The timeline `{entries, runs}`, if the engine keeps one.
    pub fn timeline(&self) -> String {
        write_json(&self.engine.timeline_view())
    }

    /// Does everything that is due at `now`.
    pub fn tick(&mut self, now: f64) {
        self.engine.tick(millis(now));
    }

    /// The time of the next `tick`; `None` if nothing will be due.
    #[wasm_bindgen(js_name = nextWake)]
    pub fn next_wake(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "moments are below 2^53 milliseconds")]
        self.engine.next_wake().map(|moment| moment as f64)
    }

    /// Whether work is left for another `tick` at once. Ask after the output was taken.
    #[wasm_bindgen(js_name = hasMore)]
    pub fn has_more(&self) -> bool {
        self.engine.has_more()
    }

    /// The value of a limit by its name; 0 for an unknown name.
    pub fn limit(&self, name: &str) -> f64 {
        let limit = Limit::ALL.iter().find(|limit| limit.name() == name);
        #[expect(clippy::cast_precision_loss, reason = "a limit cannot be larger than memory")]
        limit.map_or(0.0, |limit| self.engine.limits().get(*limit) as f64)
    }

    /// The changes since the last call, as a journal entry; `None` if there are none. The store must keep it before the
    /// host carries out the effects.
    #[wasm_bindgen(js_name = takeRecords)]
    pub fn take_records(&mut self) -> Option<String> {
        let Output { records, effects } = self.engine.take_output();
        self.effects.extend(effects);
        (!records.is_empty()).then(|| write_records(&records))
    }

    /// Begins a snapshot: journal entries that rebuild the present state. They replace all entries that
    /// [`take_records`](Self::take_records) has returned so far.
    #[wasm_bindgen(js_name = beginSnapshot)]
    pub fn begin_snapshot(&mut self) {
        self.snapshot = Some(Snapshot::of(&self.engine));
    }

    /// The next entry of the snapshot; `None` after the last one. Until then, the host calls no other method.
    #[wasm_bindgen(js_name = snapshotEntry)]
    pub fn snapshot_entry(&mut self) -> Option<String> {
        let entry = self.snapshot.as_mut()?.next_entry(&self.engine);
        if entry.is_none() {
            self.snapshot = None;
        }
        entry
    }

    /// The effects since the last call. Of an engine with a store, take the records first.
    #[wasm_bindgen(js_name = takeEffects)]
    pub fn take_effects(&mut self) -> String {
        self.effects.extend(self.engine.take_output().effects);
        write_effects(&std::mem::take(&mut self.effects))
    }
}

/// Milliseconds of a duration in any form. `path` names the option in an error.
#[wasm_bindgen(js_name = durationMillis)]
pub fn duration_millis(path: &str, value: &str) -> JsResult<f64> {
    let seconds = parse(value).and_then(|value| duration::seconds(&value));
    give(seconds.map(|seconds| (seconds * 1_000.0).round()).map_err(|error| {
        let help = error.help().unwrap_or_default();
        Error::new(ErrorCode::OptionInvalid, error.message()).with_help(help).with_path(path)
    }))
}

/// The kind of a request: `{kind, runId?}`. The host must know it before the engine answers.
#[wasm_bindgen(js_name = requestKind)]
pub fn request_kind(method: &str, url: &str) -> String {
    write_json(&server::kind(method, url).to_json())
}

/// Paths that only say whether an engine is well, as a JSON list.
#[wasm_bindgen(js_name = healthPaths)]
pub fn health_paths() -> String {
    write_json(&server::HEALTH.as_slice().into())
}

/// The text without the secrets, which are a JSON list of texts.
#[wasm_bindgen(js_name = strikeSecrets)]
pub fn strike_secrets(text: String, secrets: &str) -> JsResult<String> {
    let secrets = give(parse(secrets))?;
    Ok(Secrets::unnamed(secrets.as_array().map_or(&[], Vec::as_slice)).strike(text))
}

fn millis(now: f64) -> Millis {
    whole(now)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the exact range")]
fn whole(number: f64) -> u64 {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    clamp(number, 0.0, EXACT) as u64
}
