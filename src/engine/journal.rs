//! Records as JSON text, as a store keeps them: one array for each step of the engine, which counts as a whole or not at all.

use super::plan::plan;
use super::record::{Parent, Registered, RunCreated};
use super::run::{Inner, RunState, ScopeKind};
use super::{Failure, Record, Schedule, ScheduleState, UpdateState};
use crate::codec::{parse_json, write_json};
use crate::definition;
use crate::error::{Error, ErrorCode, Result};
use crate::json::object;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// Text of the records of one step.
pub fn write_records(records: &[Record]) -> String {
    write_json(&records.iter().map(to_json).collect::<Value>())
}

/// Reads what [`write_records`] wrote, from the beginning on.
#[derive(Debug, Default)]
pub struct Journal {
    definitions: HashMap<String, Registered>,
}

impl Journal {
    /// The records of one step.
    ///
    /// # Errors
    ///
    /// `JOURNAL_INVALID` for what is none, or speaks of what was not there before.
    pub fn read(&mut self, text: &str) -> Result<Vec<Record>> {
        let parsed = parse_json(text).map_err(|error| invalid(&format!("it is not JSON: {error}")))?;
        let items = parsed.as_array().ok_or_else(|| invalid("it is not a list of records"))?;
        items.iter().map(|item| self.record(item)).collect()
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each record")]
    fn record(&mut self, item: &Value) -> Result<Record> {
        let fields = Fields(item);
        let (run, step, at) = (fields.position("run"), fields.position("step"), fields.millis("at"));
        Ok(match fields.text("type")?.as_str() {
            "registered" => {
                let document = fields.value("definition");
                let workflow = Rc::new(plan(&definition::read(&document).workflow).0);
                let registered = Registered {
                    hash: fields.text("hash")?,
                    workflow,
                    definition: Rc::new(document),
                    at: at?,
                };
                self.definitions.insert(registered.hash.clone(), registered.clone());
                Record::Registered(Box::new(registered))
            }
            "run_created" => {
                let hash = fields.text("hash")?;
                let known = self.definitions.get(&hash).ok_or_else(|| invalid("a definition is missing"))?;
                let parent = fields.0.get("parent").filter(|parent| !parent.is_null()).map(|parent| {
                    let fields = Fields(parent);
                    Ok::<_, Error>(Parent {
                        run: fields.position("run")?,
                        run_id: fields.text("run_id")?,
                        step: fields.position("step")?,
                        attempt: fields.position("attempt")?,
                        name: fields.text("name")?,
                    })
                });
                Record::RunCreated(Box::new(RunCreated {
                    run_id: fields.text("run_id")?,
                    hash,
                    workflow: Rc::clone(&known.workflow),
                    definition: Rc::clone(&known.definition),
                    inputs: fields.map("inputs"),
                    key: fields.text("key").ok(),
                    parent: parent.transpose()?,
                    schedule: fields.position("schedule").ok().zip(fields.millis("slot").ok()),
                    at: at?,
                }))
            }
            "schedule_set" => Record::ScheduleSet(Box::new(schedule_of(&fields)?)),
            "schedule_held" => Record::ScheduleHeld { schedule: fields.position("schedule")? },
            "schedule_fired" => Record::ScheduleFired {
                schedule: fields.position("schedule")?,
                slot: fields.millis("slot")?,
                next: fields.millis("next").ok(),
            },
            "scope_opened" => Record::ScopeOpened {
                run: run?,
                owner: fields.position("owner")?,
                kind: match (fields.position("round"), fields.position("branch")) {
                    (Ok(round), _) => ScopeKind::Round(round),
                    (_, Ok(branch)) => ScopeKind::Branch(branch),
                    _ => return Err(invalid("a scope has no kind")),
                },
                locals: fields.map("locals"),
                at: at?,
            },
            "scope_cancelled" => {
                Record::ScopeCancelled { run: run?, scope: fields.position("scope")?, at: at? }
            }
            "attempt_started" => Record::AttemptStarted {
                run: run?,
                step: step?,
                call: fields.millis("call")?,
                key: fields.text("key").ok(),
                deadline: fields.millis("deadline").ok(),
                at: at?,
            },
            "entered" => Record::Entered {
                run: run?,
                step: step?,
                inner: inner_of(&fields.value("inner"))?,
                until: fields.millis("until").ok(),
                at: at?,
            },
            "attempt_failed" => Record::AttemptFailed {
                run: run?,
                step: step?,
                failure: Failure::from_json(&fields.value("failure")),
                result: fields.optional("result"),
                retry_at: fields.millis("retry_at").ok(),
                at: at?,
            },
            "retry_due" => Record::RetryDue { run: run?, step: step? },
            "key_used" => Record::KeyUsed { key: fields.text("key")?, result: fields.value("result") },
            "turn_taken" => Record::TurnTaken {
                run: run?,
                step: step?,
                candidate: fields.optional("candidate"),
                feedback: fields.optional("feedback"),
                turn: u32::try_from(fields.position("turn")?).unwrap_or(1),
                call: fields.millis("call")?,
            },
            "items_added" => Record::ItemsAdded {
                run: run?,
                step: step?,
                items: fields.value("items").as_array().cloned().unwrap_or_default(),
            },
            "succeeded" => Record::Succeeded {
                run: run?,
                step: step?,
                result: fields.value("result"),
                chosen: positions(&fields.value("chosen")),
                at: at?,
            },
            "skipped" => Record::Skipped { run: run?, step: step?, at: at? },
            "variable_set" => Record::VariableSet {
                run: run?,
                step: step?,
                name: fields.text("name")?,
                value: fields.value("value"),
            },
            "emitted" => {
                Record::Emitted { name: fields.text("name")?, payload: fields.value("payload"), at: at? }
            }
            "signalled" => Record::Signalled {
                run: run?,
                name: fields.text("name")?,
                payload: fields.value("payload"),
                at: at?,
            },
            "update_sent" => Record::UpdateSent {
                run: run?,
                name: fields.text("name")?,
                payload: fields.value("payload"),
                deadline: fields.millis("deadline")?,
                at: at?,
            },
            "update_taken" => Record::UpdateTaken {
                run: run?,
                step: step?,
                update: fields.position("update")?,
                call: fields.millis("call").ok(),
            },
            "update_ended" => Record::UpdateEnded {
                run: run?,
                update: fields.position("update")?,
                state: UpdateState::of_word(&fields.text("state")?),
                result: fields.optional("result"),
                failure: fields.optional("failure").map(|failure| Failure::from_json(&failure)),
                at: at?,
            },
            "received" => {
                Record::Received { run: run?, name: fields.text("name")?, event: fields.millis("event").ok() }
            }
            "run_ended" => Record::RunEnded {
                run: run?,
                state: match fields.text("state")?.as_str() {
                    "completed" => RunState::Completed,
                    "cancelled" => RunState::Cancelled,
                    _ => RunState::Failed,
                },
                failure: fields.optional("failure").map(|failure| Failure::from_json(&failure)),
                result: fields.optional("result"),
                at: at?,
            },
            other => return Err(invalid(&format!("it has a record of type `{other}`"))),
        })
    }
}

struct Fields<'a>(&'a Value);

impl Fields<'_> {
    fn text(&self, name: &str) -> Result<String> {
        self.0.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| lacking(name))
    }

    fn millis(&self, name: &str) -> Result<Millis> {
        self.0.get(name).and_then(Value::as_u64).ok_or_else(|| lacking(name))
    }

    fn position(&self, name: &str) -> Result<usize> {
        usize::try_from(self.millis(name)?).map_err(|_| lacking(name))
    }

    fn value(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// A value that may be missing; null is one.
    fn optional(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn map(&self, name: &str) -> Map<String, Value> {
        self.0.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    fn is_set(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }
}

fn positions(value: &Value) -> Vec<usize> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|item| usize::try_from(item.as_u64()?).ok()).collect()
}

fn lacking(name: &str) -> Error {
    invalid(&format!("a record has no `{name}`"))
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorCode::JournalInvalid, format!("the journal cannot be read: {what}"))
}

#[expect(clippy::too_many_lines, reason = "one arm for each record")]
fn to_json(record: &Record) -> Value {
    let of_step = |kind: &str, run: usize, step: usize| {
        Map::from_iter([
            ("type".to_owned(), Value::from(kind)),
            ("run".to_owned(), run.into()),
            ("step".to_owned(), step.into()),
        ])
    };
    let of_run = |kind: &str, run: usize| {
        Map::from_iter([("type".to_owned(), Value::from(kind)), ("run".to_owned(), run.into())])
    };
    let of = |kind: &str| Map::from_iter([("type".to_owned(), Value::from(kind))]);
    let mut map;
    let mut set: Vec<(&str, Value)> = Vec::new();
    match record {
        Record::Registered(kept) => {
            map = of("registered");
            set.push(("hash", kept.hash.as_str().into()));
            set.push(("definition", (*kept.definition).clone()));
            set.push(("at", kept.at.into()));
        }
        Record::RunCreated(created) => {
            map = of("run_created");
            set.push(("run_id", created.run_id.as_str().into()));
            set.push(("hash", created.hash.as_str().into()));
            set.push(("inputs", Value::Object(created.inputs.clone())));
            set.extend(created.key.as_deref().map(|key| ("key", key.into())));
            set.extend(created.parent.as_ref().map(|parent| {
                let parent = object([
                    ("run", parent.run.into()),
                    ("run_id", parent.run_id.as_str().into()),
                    ("step", parent.step.into()),
                    ("attempt", parent.attempt.into()),
                    ("name", parent.name.as_str().into()),
                ]);
                ("parent", parent)
            }));
            if let Some((schedule, slot)) = created.schedule {
                set.extend([("schedule", schedule.into()), ("slot", slot.into())]);
            }
            set.push(("at", created.at.into()));
        }
        Record::ScheduleSet(schedule) => {
            map = of("schedule_set");
            set.extend(schedule_fields(schedule));
        }
        Record::ScheduleHeld { schedule } => {
            map = of("schedule_held");
            set.push(("schedule", (*schedule).into()));
        }
        Record::ScheduleFired { schedule, slot, next } => {
            map = of("schedule_fired");
            set.extend([("schedule", (*schedule).into()), ("slot", (*slot).into())]);
            set.extend(next.map(|next| ("next", next.into())));
        }
        Record::ScopeOpened { run, owner, kind, locals, at } => {
            map = of_run("scope_opened", *run);
            set.push(("owner", (*owner).into()));
            match kind {
                ScopeKind::Round(round) => set.push(("round", (*round).into())),
                ScopeKind::Branch(branch) => set.push(("branch", (*branch).into())),
                ScopeKind::Workflow => {}
            }
            set.push(("locals", Value::Object(locals.clone())));
            set.push(("at", (*at).into()));
        }
        Record::ScopeCancelled { run, scope, at } => {
            map = of_run("scope_cancelled", *run);
            set.push(("scope", (*scope).into()));
            set.push(("at", (*at).into()));
        }
        Record::AttemptStarted { run, step, call, key, deadline, at } => {
            map = of_step("attempt_started", *run, *step);
            set.push(("call", (*call).into()));
            set.extend(key.as_deref().map(|key| ("key", key.into())));
            set.extend(deadline.map(|deadline| ("deadline", deadline.into())));
            set.push(("at", (*at).into()));
        }
        Record::Entered { run, step, inner, until, at } => {
            map = of_step("entered", *run, *step);
            set.push(("inner", inner_json(inner)));
            set.extend(until.map(|until| ("until", until.into())));
            set.push(("at", (*at).into()));
        }
        Record::AttemptFailed { run, step, failure, result, retry_at, at } => {
            map = of_step("attempt_failed", *run, *step);
            set.push(("failure", failure_json(failure)));
            set.extend(result.clone().map(|result| ("result", result)));
            set.extend(retry_at.map(|retry_at| ("retry_at", retry_at.into())));
            set.push(("at", (*at).into()));
        }
        Record::RetryDue { run, step } => map = of_step("retry_due", *run, *step),
        Record::KeyUsed { key, result } => {
            map = of("key_used");
            set.push(("key", key.as_str().into()));
            set.push(("result", result.clone()));
        }
        Record::TurnTaken { run, step, candidate, feedback, turn, call } => {
            map = of_step("turn_taken", *run, *step);
            set.extend(candidate.clone().map(|candidate| ("candidate", candidate)));
            set.extend(feedback.clone().map(|feedback| ("feedback", feedback)));
            set.push(("turn", (*turn).into()));
            set.push(("call", (*call).into()));
        }
        Record::ItemsAdded { run, step, items } => {
            map = of_step("items_added", *run, *step);
            set.push(("items", Value::Array(items.clone())));
        }
        Record::Succeeded { run, step, result, chosen, at } => {
            map = of_step("succeeded", *run, *step);
            set.push(("result", result.clone()));
            if !chosen.is_empty() {
                set.push(("chosen", chosen.iter().map(|way| Value::from(*way)).collect()));
            }
            set.push(("at", (*at).into()));
        }
        Record::Skipped { run, step, at } => {
            map = of_step("skipped", *run, *step);
            set.push(("at", (*at).into()));
        }
        Record::VariableSet { run, step, name, value } => {
            map = of_step("variable_set", *run, *step);
            set.push(("name", name.as_str().into()));
            set.push(("value", value.clone()));
        }
        Record::Emitted { name, payload, at } => {
            map = of("emitted");
            set.push(("name", name.as_str().into()));
            set.push(("payload", payload.clone()));
            set.push(("at", (*at).into()));
        }
        Record::Signalled { run, name, payload, at } => {
            map = of_run("signalled", *run);
            set.push(("name", name.as_str().into()));
            set.push(("payload", payload.clone()));
            set.push(("at", (*at).into()));
        }
        Record::UpdateSent { run, name, payload, deadline, at } => {
            map = of_run("update_sent", *run);
            set.push(("name", name.as_str().into()));
            set.push(("payload", payload.clone()));
            set.extend([("deadline", (*deadline).into()), ("at", (*at).into())]);
        }
        Record::UpdateTaken { run, step, update, call } => {
            map = of_step("update_taken", *run, *step);
            set.push(("update", (*update).into()));
            set.extend(call.map(|call| ("call", call.into())));
        }
        Record::UpdateEnded { run, update, state, result, failure, at } => {
            map = of_run("update_ended", *run);
            set.extend([("update", (*update).into()), ("state", state.word().into())]);
            set.extend(result.clone().map(|result| ("result", result)));
            set.extend(failure.as_ref().map(|failure| ("failure", failure_json(failure))));
            set.push(("at", (*at).into()));
        }
        Record::Received { run, name, event } => {
            map = of_run("received", *run);
            set.push(("name", name.as_str().into()));
            set.extend(event.map(|event| ("event", event.into())));
        }
        Record::RunEnded { run, state, failure, result, at } => {
            map = of_run("run_ended", *run);
            let word = match state {
                RunState::Completed => "completed",
                RunState::Cancelled => "cancelled",
                RunState::Failed | RunState::Active => "failed",
            };
            set.push(("state", word.into()));
            set.extend(failure.as_ref().map(|failure| ("failure", failure_json(failure))));
            set.extend(result.clone().map(|result| ("result", result)));
            set.push(("at", (*at).into()));
        }
    }
    map.extend(set.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(map)
}

fn failure_json(failure: &Failure) -> Value {
    let mut value = failure.to_json();
    if let Value::Object(map) = &mut value {
        map.insert("retryable".into(), failure.retryable.into());
    }
    value
}

fn schedule_fields(schedule: &Schedule) -> Vec<(&'static str, Value)> {
    let flag = |name, is_set: bool| is_set.then_some((name, true.into()));
    let moment = |name, at: Option<Millis>| at.map(|at| (name, at.into()));
    let count = (schedule.most_active != usize::MAX).then(|| ("most_active", schedule.most_active.into()));
    [
        Some(("id", schedule.id.as_str().into())),
        Some(("name", schedule.name.as_str().into())),
        Some(("text", schedule.text.as_str().into())),
        Some(("workflow", schedule.workflow.as_str().into())),
        schedule.hash.as_deref().map(|hash| ("hash", hash.into())),
        Some(("inputs", Value::Object(schedule.inputs.clone()))),
        moment("start", schedule.start),
        flag("catches_up", schedule.catches_up),
        count,
        flag("is_own", schedule.is_own),
        Some(("state", schedule.state.word().into())),
        Some(("at", schedule.at.into())),
        moment("next", schedule.next),
        moment("last", schedule.last),
        Some(("fired", schedule.fired.into())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn schedule_of(fields: &Fields<'_>) -> Result<Schedule> {
    let text = fields.text("text")?;
    Ok(Schedule {
        id: fields.text("id")?,
        name: fields.text("name")?,
        rule: definition::schedule::Schedule::parse(&text)?,
        text,
        workflow: fields.text("workflow")?,
        hash: fields.text("hash").ok(),
        inputs: fields.map("inputs"),
        start: fields.millis("start").ok(),
        catches_up: fields.is_set("catches_up"),
        most_active: fields.position("most_active").unwrap_or(usize::MAX),
        is_own: fields.is_set("is_own"),
        state: ScheduleState::of_word(&fields.text("state")?),
        at: fields.millis("at")?,
        next: fields.millis("next").ok(),
        last: fields.millis("last").ok(),
        fired: fields.millis("fired")?,
    })
}

fn inner_json(inner: &Inner) -> Value {
    match inner {
        Inner::Sleep => object([("type", "sleep".into())]),
        Inner::Event(name) => object([("type", "event".into()), ("name", name.as_str().into())]),
        Inner::Join => object([("type", "join".into())]),
        Inner::Branches { fork, only } => {
            object([("type", "branches".into()), ("fork", (*fork).into()), ("only", (*only).into())])
        }
        Inner::Loop { items, is_open, .. } => object([
            ("type", "loop".into()),
            ("items", items.clone().map_or(Value::Null, Value::Array)),
            ("is_open", (*is_open).into()),
        ]),
        Inner::Children(children) => {
            let children = children.iter().map(|(name, at)| (name.clone(), (*at).into())).collect();
            object([("type", "children".into()), ("children", Value::Object(children))])
        }
        Inner::Turns { .. } => object([("type", "turns".into())]),
        Inner::Update(name) => object([("type", "update".into()), ("name", name.as_str().into())]),
        Inner::Handling(update) => object([("type", "handling".into()), ("update", (*update).into())]),
        Inner::Approval(asked) => {
            object([("type", "approval".into()), ("asked", Value::Object(asked.clone()))])
        }
    }
}

fn inner_of(value: &Value) -> Result<Inner> {
    let fields = Fields(value);
    Ok(match fields.text("type")?.as_str() {
        "sleep" => Inner::Sleep,
        "event" => Inner::Event(fields.text("name")?),
        "join" => Inner::Join,
        "branches" => Inner::Branches { fork: fields.position("fork")?, only: fields.position("only").ok() },
        "loop" => Inner::Loop {
            items: fields.value("items").as_array().cloned(),
            is_open: fields.is_set("is_open"),
            over: 0,
            results: Vec::new(),
        },
        "children" => {
            let children = fields.map("children").into_iter();
            let at = |value: Value| value.as_u64().and_then(|at| usize::try_from(at).ok());
            Inner::Children(children.filter_map(|(name, value)| Some((name, at(value)?))).collect())
        }
        "turns" => Inner::Turns { candidate: None, feedback: None, turn: 1 },
        "update" => Inner::Update(fields.text("name")?),
        "handling" => Inner::Handling(fields.position("update")?),
        "approval" => Inner::Approval(fields.map("asked")),
        other => return Err(invalid(&format!("a step is inside of `{other}`"))),
    })
}
