//! Records from their text.

use crate::codec::parse_json;
use crate::definition;
use crate::engine::journal::checkpoint::Standing;
use crate::engine::journal::checkpoint::read::run_of;
use crate::engine::journal::fields::{FieldReader, invalid, list_of};
use crate::engine::journal::record::Record;
use crate::engine::plan::read::plan;
use crate::engine::state::artifact::Artifact;
use crate::engine::state::definitions::Registered;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::RunIx;
use crate::engine::state::reports::LogLevel;
use crate::engine::state::run::{Parent, RunCreated, RunState};
use crate::engine::state::schedule::{Schedule, ScheduleState};
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::Inner;
use crate::engine::state::update::UpdateState;
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::rc::Rc;

/// Reads what [`write_records`](super::write_records) wrote, from the beginning on.
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
        let Value::Array(items) = parsed else { return Err(invalid("it is not a list of records")) };
        items.into_iter().map(|item| self.record(item)).collect()
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each record")]
    fn record(&mut self, mut item: Value) -> Result<Record> {
        let mut fields = FieldReader(&mut item);
        let (run, step, at) = (fields.position("run"), fields.position("step"), fields.millis("at"));
        Ok(match fields.text("type")?.as_str() {
            "registered" => {
                let hash = fields.text("hash")?;
                let known = self.definitions.get(&hash);
                let known = known.map(|known| (Rc::clone(&known.workflow), Rc::clone(&known.definition)));
                let (workflow, definition) = known.unwrap_or_else(|| {
                    let document = fields.value("definition");
                    (Rc::new(plan(&definition::read(&document).workflow).0), Rc::new(document))
                });
                let registered = Registered {
                    hash,
                    workflow,
                    definition,
                    at: at?,
                    version: fields.some_position("version").unwrap_or_default(),
                    is_named: fields.is_set("is_named"),
                };
                self.definitions.insert(registered.hash.clone(), registered.clone());
                Record::Registered(Box::new(registered))
            }
            "definition_forgotten" => {
                let hash = fields.text("hash")?;
                self.definitions.remove(&hash);
                Record::DefinitionForgotten { hash }
            }
            "run_created" => Record::RunCreated(Box::new(self.run_created(&mut fields)?)),
            "run_forgotten" => Record::RunForgotten { run: run? },
            "runs_skipped" => Record::RunsSkipped { count: fields.position("count")? },
            "run_kept" => {
                let created = self.run_created(&mut fields)?;
                Record::RunKept(Box::new(run_of(created, &mut fields)?))
            }
            "state_kept" => Record::StateKept(Box::new(Standing::from_fields(&mut fields)?)),
            "source_kept" => {
                Record::SourceKept { hash: fields.text("hash")?, source: fields.text("source")?.into() }
            }
            "artifact_kept" => Record::ArtifactKept(Box::new(Artifact {
                id: fields.text("id")?,
                name: fields.text("name")?,
                mime: fields.text("mime")?,
                size: fields.position("size")?,
                content: fields.text("content")?.into(),
                at: at?,
            })),
            "artifact_deleted" => Record::ArtifactDeleted { id: fields.text("id")? },
            "schedule_set" => Record::ScheduleSet {
                schedule: fields.position("schedule")?,
                to: Box::new(schedule_of(&mut fields)?),
            },
            "schedule_held" => Record::ScheduleHeld { schedule: fields.position("schedule")? },
            "schedule_fired" => Record::ScheduleFired {
                schedule: fields.position("schedule")?,
                slot: fields.millis("slot")?,
                next: fields.some_millis("next"),
            },
            "scope_opened" => Record::ScopeOpened {
                run: run?,
                owner: fields.position("owner")?,
                kind: scope_kind_of(&fields)?,
                locals: fields.map("locals"),
                at: at?,
            },
            "scope_cancelled" => {
                Record::ScopeCancelled { run: run?, scope: fields.position("scope")?, at: at? }
            }
            "attempt_started" => Record::AttemptStarted {
                run: run?,
                step: step?,
                call: fields.call("call")?,
                key: fields.some_text("key"),
                deadline: fields.some_millis("deadline"),
                at: at?,
            },
            "entered" => Record::Entered {
                run: run?,
                step: step?,
                inner: inner_of(&mut fields.value("inner"))?,
                until: fields.some_millis("until"),
                at: at?,
            },
            "attempt_failed" => Record::AttemptFailed {
                run: run?,
                step: step?,
                failure: Failure::from_json(&fields.value("failure")),
                result: fields.optional("result"),
                retry_at: fields.some_millis("retry_at"),
                at: at?,
            },
            "output_kept" => Record::OutputKept { run: run?, step: step?, result: fields.value("result") },
            "retry_due" => Record::RetryDue { run: run?, step: step? },
            "parked" => Record::Parked { run: run?, step: step?, key: fields.text("key")? },
            "key_used" => Record::KeyUsed {
                run: fields.some_position("run"),
                key: fields.text("key")?,
                result: fields.value("result"),
            },
            "turn_taken" => Record::TurnTaken {
                run: run?,
                step: step?,
                candidate: fields.optional("candidate"),
                feedback: fields.optional("feedback"),
                turn: fields.number("turn")?,
                call: fields.call("call")?,
            },
            "items_added" => Record::ItemsAdded { run: run?, step: step?, items: fields.list("items") },
            "logged" => Record::Logged {
                run: run?,
                step: step?,
                level: LogLevel::of_word(&fields.text("level")?),
                message: fields.text("message")?,
                at: at?,
            },
            "heartbeat" => {
                Record::Heartbeat { run: run?, step: step?, details: fields.value("details"), at: at? }
            }
            "succeeded" => Record::Succeeded {
                run: run?,
                step: step?,
                result: fields.value("result"),
                chosen: fields.positions("chosen"),
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
                call: fields.some_call("call"),
            },
            "update_ended" => Record::UpdateEnded {
                run: run?,
                update: fields.position("update")?,
                state: UpdateState::of_word(&fields.text("state")?),
                result: fields.optional("result"),
                failure: fields.failure("failure"),
                at: at?,
            },
            "received" => {
                Record::Received { run: run?, name: fields.text("name")?, event: fields.some_millis("event") }
            }
            "run_ended" => Record::RunEnded {
                run: run?,
                state: run_state_of(&fields.text("state")?),
                failure: fields.failure("failure"),
                result: fields.optional("result"),
                at: at?,
            },
            other => return Err(invalid(&format!("it has a record of type `{other}`"))),
        })
    }

    fn run_created(&self, fields: &mut FieldReader<'_>) -> Result<RunCreated> {
        let hash = fields.text("hash")?;
        let known = self.definitions.get(&hash).ok_or_else(|| invalid("a definition is missing"))?;
        let parent = fields.nested("parent").map(|mut fields| {
            Ok::<_, Error>(Parent {
                run: fields.position("run")?,
                run_id: fields.text("run_id")?,
                step: fields.position("step")?,
                attempt: fields.position("attempt")?,
                name: fields.text("name")?,
            })
        });
        Ok(RunCreated {
            parent: parent.transpose()?,
            run_id: fields.text("run_id")?,
            hash,
            workflow: Rc::clone(&known.workflow),
            definition: Rc::clone(&known.definition),
            inputs: Rc::new(fields.map("inputs")),
            key: fields.some_text("key"),
            schedule: fields.some_position("schedule").zip(fields.some_millis("slot")),
            is_late: fields.is_set("is_late"),
            at: fields.millis("at")?,
        })
    }
}

fn schedule_of(fields: &mut FieldReader<'_>) -> Result<Schedule> {
    let text = fields.text("text")?;
    Ok(Schedule {
        id: fields.text("id")?,
        name: fields.text("name")?,
        rule: definition::schedule::Schedule::parse(&text)?,
        text,
        workflow: fields.text("workflow")?,
        hash: fields.some_text("hash"),
        inputs: fields.map("inputs"),
        start: fields.some_millis("start"),
        catches_up: fields.is_set("catches_up"),
        most_active: fields.some_position("most_active").unwrap_or(usize::MAX),
        is_own: fields.is_set("is_own"),
        state: ScheduleState::of_word(&fields.text("state")?),
        at: fields.millis("at")?,
        next: fields.some_millis("next"),
        last: fields.some_millis("last"),
        fired: fields.millis("fired")?,
    })
}

pub(in crate::engine) fn inner_of(value: &mut Value) -> Result<Inner> {
    let mut fields = FieldReader(value);
    Ok(match fields.text("type")?.as_str() {
        "sleep" => Inner::Sleep,
        "event" => Inner::Event(fields.text("name")?),
        "join" => Inner::Join,
        "branches" => Inner::Branches { fork: fields.position("fork")?, only: fields.some_position("only") },
        "loop" => Inner::Loop {
            items: fields.optional("items").and_then(list_of).map(Rc::new),
            is_open: fields.is_set("is_open"),
            over: fields.some_position("over").unwrap_or_default(),
            results: fields.list("results").into_iter().map(|given| list_of(given)?.pop()).collect(),
        },
        "children" => {
            let children = fields.map("children").into_iter();
            let at = |value: Value| Some(RunIx::new(usize::try_from(value.as_u64()?).ok()?));
            Inner::Children(children.filter_map(|(name, value)| Some((name, at(value)?))).collect())
        }
        "turns" => Inner::Turns {
            candidate: fields.optional("candidate"),
            feedback: fields.optional("feedback"),
            turn: fields.some_number("turn").unwrap_or(1),
        },
        "update" => Inner::Update(fields.text("name")?),
        "handling" => Inner::Handling(fields.position("update")?),
        "approval" => Inner::Approval(fields.map("asked")),
        other => return Err(invalid(&format!("a step is inside of `{other}`"))),
    })
}

pub(in crate::engine) fn scope_kind_of(fields: &FieldReader<'_>) -> Result<ScopeKind> {
    match (fields.some_position("round"), fields.some_position("branch")) {
        (Some(round), _) => Ok(ScopeKind::Round(round)),
        (_, Some(branch)) => Ok(ScopeKind::Branch(branch)),
        _ => Err(invalid("a scope has no kind")),
    }
}

pub(in crate::engine) fn run_state_of(word: &str) -> RunState {
    match word {
        "active" => RunState::Active,
        "completed" => RunState::Completed,
        "cancelled" => RunState::Cancelled,
        _ => RunState::Failed,
    }
}
