//! What a step waits for, or runs inside: an object with the word of its kind.
//!
//! Written by hand. A loop without items writes null for them, each result of a round is in a list of its own, and
//! children are an object by name: a declaration would need a form of its own for each of these fields.

use crate::engine::journal::field::{Field, Item};
use crate::engine::journal::fields::{FieldReader, invalid};
use crate::engine::journal::text::{FieldWriter, WriteJson};
use crate::engine::state::positions::RunIx;
use crate::engine::state::step::Inner;
use crate::error::Result;
use crate::json::JsonWriter;
use serde_json::{Map, Value};

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

impl Item for Inner {
    fn of(mut value: Value) -> Result<Option<Self>> {
        let fields = &mut FieldReader(&mut value);
        Ok(Some(match String::read(fields, "type")?.as_str() {
            "sleep" => Self::Sleep,
            "event" => Self::Event(Field::read(fields, "name")?),
            "join" => Self::Join,
            "branches" => {
                Self::Branches { fork: Field::read(fields, "fork")?, only: Field::read(fields, "only")? }
            }
            "loop" => Self::Loop {
                items: Field::read(fields, "items")?,
                is_open: Field::read(fields, "is_open")?,
                over: Field::find(fields, "over")?.unwrap_or_default(),
                results: Vec::<Value>::read(fields, "results")?.into_iter().map(result_of).collect(),
            },
            "children" => {
                let children = Map::read(fields, "children")?.into_iter();
                let child = |(name, at)| Ok(RunIx::of(at)?.map(|at| (name, at)));
                Self::Children(children.filter_map(|entry| child(entry).transpose()).collect::<Result<_>>()?)
            }
            "turns" => Self::Turns {
                candidate: Field::read(fields, "candidate")?,
                feedback: Field::read(fields, "feedback")?,
                turn: Field::find(fields, "turn")?.unwrap_or(1),
            },
            "update" => Self::Update(Field::read(fields, "name")?),
            "handling" => Self::Handling(Field::read(fields, "update")?),
            "approval" => Self::Approval(Field::read(fields, "asked")?),
            other => return Err(invalid(&format!("a step is inside of `{other}`"))),
        }))
    }
}

/// The result of a round, from a list of one item or of none.
fn result_of(given: Value) -> Option<Value> {
    if let Value::Array(mut given) = given { given.pop() } else { None }
}
