//! Text of what stands in records: failures, what a step waits for, states.

use crate::engine::journal::fields::{FieldReader, invalid, list_of};
use crate::engine::journal::text::{FieldWriter, WriteJson};
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::RunIx;
use crate::engine::state::run::RunState;
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::Inner;
use crate::error::Result;
use crate::json::JsonWriter;
use serde_json::Value;
use std::rc::Rc;

pub(in crate::engine) fn scope_kind<'a, 'b>(
    kind: ScopeKind,
    out: &'a mut FieldWriter<'b>,
) -> &'a mut FieldWriter<'b> {
    match kind {
        ScopeKind::Round(round) => out.set("round", &round),
        ScopeKind::Branch(branch) => out.set("branch", &branch),
        ScopeKind::Workflow => out,
    }
}

pub(in crate::engine) fn scope_kind_of(fields: &FieldReader<'_>) -> Result<ScopeKind> {
    match (fields.some_position("round"), fields.some_position("branch")) {
        (Some(round), _) => Ok(ScopeKind::Round(round)),
        (_, Some(branch)) => Ok(ScopeKind::Branch(branch)),
        _ => Err(invalid("a scope has no kind")),
    }
}

pub(in crate::engine) const fn run_state(state: RunState) -> &'static str {
    match state {
        RunState::Active => "active",
        RunState::Completed => "completed",
        RunState::Cancelled => "cancelled",
        RunState::Failed => "failed",
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

impl WriteJson for Failure {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            out.set("code", &self.code)
                .set("message", &self.message)
                .set_some("help", self.help.as_ref())
                .set("retryable", &self.retryable);
            out.set_some("details", self.details.as_deref());
        });
    }
}

impl WriteJson for Inner {
    fn write(&self, writer: &mut JsonWriter) {
        FieldWriter::object(writer, |out| {
            match self {
                Self::Sleep => out.set("type", "sleep"),
                Self::Event(name) => out.set("type", "event").set("name", name),
                Self::Join => out.set("type", "join"),
                Self::Branches { fork, only } => {
                    out.set("type", "branches").set("fork", fork).set_some("only", only.as_ref())
                }
                Self::Loop { items, is_open, over, results } => {
                    let results: Vec<&[Value]> = results.iter().map(Option::as_slice).collect();
                    out.set("type", "loop")
                        .set("items", items)
                        .set("is_open", is_open)
                        .set_some("over", Some(over).filter(|over| **over > 0))
                        .set_some("results", Some(&results).filter(|results| !results.is_empty()))
                }
                Self::Children(children) => {
                    let children =
                        children.iter().map(|(name, at)| (name.clone(), at.get().into())).collect();
                    out.set("type", "children").set::<serde_json::Map<_, _>>("children", &children)
                }
                Self::Turns { candidate, feedback, turn } => out
                    .set("type", "turns")
                    .set_some("candidate", candidate.as_ref())
                    .set_some("feedback", feedback.as_ref())
                    .set("turn", turn),
                Self::Update(name) => out.set("type", "update").set("name", name),
                Self::Handling(update) => out.set("type", "handling").set("update", update),
                Self::Approval(request) => out.set("type", "approval").set("asked", request),
            };
        });
    }
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
