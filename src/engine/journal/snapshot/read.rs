//! A run as it stands, and what else there is, from their text.

use crate::engine::journal::fields::{FieldReader, invalid, lacking, list_of, positions};
use crate::engine::journal::snapshot::Standing;
use crate::engine::journal::snapshot::moment;
use crate::engine::journal::values::{inner_of, run_state_of, scope_kind_of};
use crate::engine::state::circuit::Circuit;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{RunIx, ScopeIx, StepIx, StepRef};
use crate::engine::state::reports::{Heartbeat, LogLevel, LogLine, Reports};
use crate::engine::state::run::{Run, RunCreated, Signal};
use crate::engine::state::scope::body_of;
use crate::engine::state::step::{Attempt, Counts, Step, StepState};
use crate::engine::state::update::{Update, UpdateState};
use crate::error::{Error, Result};
use crate::time::Millis;
use serde_json::Value;
use std::collections::HashMap;

/// A run from its records: the first one, and those with which it goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRun {
    pub(in crate::engine) run: Run,
    /// How many of its scopes and steps were read.
    scopes: usize,
    steps: usize,
    /// Scopes whose steps did not succeed in the order of the definition, with the order in which they did.
    orders: Vec<(ScopeIx, Vec<StepIx>)>,
}

impl KeptRun {
    pub(in crate::engine) fn begin(created: RunCreated, fields: &mut FieldReader<'_>) -> Result<Self> {
        let mut run = Run::new(created);
        run.state = run_state_of(&fields.text("state")?);
        run.failure = fields.failure("failure");
        run.result = fields.optional("result");
        run.started_at = fields.some_millis("started_at");
        run.ended_at = fields.some_millis("ended_at");
        let mut kept = Self { run, scopes: 0, steps: 0, orders: Vec::new() };
        kept.add(fields)?;
        Ok(kept)
    }

    /// Reads a further record.
    pub(in crate::engine) fn go_on(&mut self, fields: &mut FieldReader<'_>) -> Result<()> {
        if fields.text("type")? != "run_kept" {
            return Err(invalid("a run does not go on as it says"));
        }
        self.add(fields)
    }

    fn add(&mut self, fields: &mut FieldReader<'_>) -> Result<()> {
        for mut scope in fields.list("scopes") {
            self.add_scope(&mut FieldReader(&mut scope))?;
        }
        let run = &mut self.run;
        let beginning = run.created.at;
        for kept in fields.list("steps") {
            let step = run.steps.get_mut(StepIx::new(self.steps)).ok_or_else(other_steps)?;
            restore_step(step, kept, beginning)?;
            self.steps += 1;
        }
        for update in fields.list("updates") {
            run.updates.push(update_of(update)?);
        }
        for signal in fields.list("signals") {
            run.signals.push(signal_of(signal)?);
        }
        run.received.extend(named(fields.list("received"), |number| number.as_u64()));
        run.watching.extend(fields.positions::<StepIx>("watching"));
        Ok(())
    }

    fn add_scope(&mut self, fields: &mut FieldReader<'_>) -> Result<()> {
        let at = ScopeIx::new(self.scopes);
        if at != ScopeIx::WORKFLOW {
            open(&mut self.run, fields)?;
        }
        let Some(scope) = self.run.scopes.get_mut(at) else { return Err(lacking("scopes")) };
        scope.variables = fields.map("variables");
        scope.known = fields.list("known").iter().filter_map(pair).collect();
        scope.readable = fields.positions("readable");
        scope.is_waited_for = fields.is_set("is_waited_for");
        scope.is_cancelled = fields.is_set("is_cancelled");
        scope.is_replaced = fields.is_set("is_replaced");
        self.orders.extend(fields.optional("order").map(|order| (at, positions(&order))));
        self.scopes += 1;
        Ok(())
    }

    /// Has what follows from all that was read.
    pub(in crate::engine) fn finish(&mut self) -> Result<()> {
        let run = &mut self.run;
        if self.steps != run.steps.len() {
            return Err(other_steps());
        }
        let mut orders: HashMap<_, _> = self.orders.drain(..).collect();
        for at in (0..self.scopes).map(ScopeIx::new) {
            let Some(scope) = run.scopes.get(at) else { continue };
            let open = run.steps_in(at).filter(|(_, step)| !step.state.is_final()).count();
            let order = orders.remove(&at).unwrap_or_else(|| run.succeeded_in(scope));
            for (rank, step) in order.iter().enumerate() {
                if let Some(step) = run.steps.get_mut(*step) {
                    step.rank = rank;
                }
            }
            if let Some(scope) = run.scopes.get_mut(at) {
                (scope.open, scope.order) = (open, order);
            }
        }
        Ok(())
    }
}

fn other_steps() -> Error {
    invalid("a run does not have the steps of its definition")
}

fn open(run: &mut Run, fields: &mut FieldReader<'_>) -> Result<()> {
    let owner = fields.position("owner")?;
    let kind = scope_kind_of(fields)?;
    let body = run.operator(owner).and_then(|operator| body_of(&operator.operation, &kind));
    let body = body.ok_or_else(|| invalid("a scope belongs to a step that cannot have one"))?;
    run.open(Some(owner), kind, body, fields.map("locals"));
    Ok(())
}

fn restore_step(step: &mut Step, kept: Value, beginning: Millis) -> Result<()> {
    let mut parts = list_of(kept).ok_or_else(|| invalid("a step is not a list"))?.into_iter();
    let (Some(state), Some(Value::Array(attempts)), Some(mut more)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(invalid("a step lacks a part"));
    };
    step.result = parts.next();
    step.attempts =
        attempts.into_iter().map(|attempt| attempt_of(attempt, beginning)).collect::<Result<_>>()?;
    let mut more = FieldReader(&mut more);
    step.state = match state.as_str().unwrap_or_default() {
        "pending" => StepState::Pending,
        "running" => StepState::Running { call: more.call("call")? },
        "sleeping" => StepState::Sleeping,
        "open" => StepState::Open,
        "retrying" => StepState::Retrying,
        "succeeded" => StepState::Succeeded,
        "failed" => StepState::Failed,
        "skipped" => StepState::Skipped,
        "cancelled" => StepState::Cancelled,
        other => return Err(invalid(&format!("a step is `{other}`"))),
    };
    if step.state.is_final() {
        step.forget_what_led_there();
    }
    let usual = step.usual_times();
    let at = |name: &str| more.since(name).map(|since| moment(beginning, since));
    step.started_at = at("started_at").or(usual.0);
    step.ended_at = at("ended_at").or(usual.1);
    step.timer = at("timer");
    step.inner = more.optional("inner").map(|mut inner| inner_of(&mut inner)).transpose()?;
    step.scopes = more.positions("scopes");
    step.reports = more.nested("told").map(reports_of).transpose()?.map(Box::new);
    step.key = more.some_text("key");
    step.cause = more.some_position("cause");
    if let [over, succeeded, worked, failed, passed_by, upstream_failed] = more.positions("counts")[..] {
        let total = step.dependencies.total;
        step.dependencies = Counts { total, over, succeeded, worked, failed, passed_by, upstream_failed };
    }
    step.is_chosen = more.is_set("is_chosen");
    step.ways_over = more.some_position("asked").unwrap_or_default();
    step.is_in_line = more.is_set("is_in_line");
    Ok(())
}

fn attempt_of(kept: Value, beginning: Millis) -> Result<Attempt> {
    let mut parts = list_of(kept).ok_or_else(|| invalid("an attempt is not a list"))?.into_iter();
    let mut at = || parts.next().and_then(|at| at.as_i64()).map(|since| moment(beginning, since));
    let started_at = at().ok_or_else(|| invalid("an attempt has no beginning"))?;
    let ended_at = at();
    let failure = parts.next().filter(|failure| !failure.is_null());
    let failure = failure.map(|failure| Failure::from_json(&failure));
    Ok(Attempt { started_at, ended_at, failure, result: parts.next() })
}

fn reports_of(mut fields: FieldReader<'_>) -> Result<Reports> {
    let line = |mut line: Value| {
        let mut fields = FieldReader(&mut line);
        Ok(LogLine {
            attempt: fields.position("attempt")?,
            level: LogLevel::of_word(&fields.text("level")?),
            message: fields.text("message")?,
            at: fields.millis("at")?,
        })
    };
    let heartbeat = fields.nested("heartbeat").map(|mut fields| {
        Ok::<_, Error>(Heartbeat {
            attempt: fields.position("attempt")?,
            details: fields.value("details"),
            at: fields.millis("at")?,
        })
    });
    Ok(Reports {
        heartbeat: heartbeat.transpose()?,
        lines: fields.list("lines").into_iter().map(line).collect::<Result<_>>()?,
        dropped: fields.some_millis("dropped").unwrap_or_default(),
    })
}

fn update_of(mut kept: Value) -> Result<Update> {
    let mut fields = FieldReader(&mut kept);
    Ok(Update {
        name: fields.text("name")?,
        payload: fields.value("payload"),
        state: UpdateState::of_word(&fields.text("state")?),
        result: fields.optional("result"),
        failure: fields.failure("failure"),
        at: fields.millis("at")?,
        deadline: fields.millis("deadline")?,
        ended_at: fields.some_millis("ended_at"),
    })
}

fn signal_of(mut kept: Value) -> Result<Signal> {
    let mut fields = FieldReader(&mut kept);
    Ok(Signal { name: fields.text("name")?, payload: fields.value("payload"), at: fields.millis("at")? })
}

impl Standing {
    pub(in crate::engine) fn from_fields(fields: &mut FieldReader<'_>) -> Result<Self> {
        let event = |event: Value| {
            let mut parts = list_of(event)?.into_iter();
            Some((parts.next()?.as_u64()?, parts.next()?))
        };
        let circuit = |circuit: Value| {
            let count = |at: usize| circuit.get(at)?.as_u64().and_then(|count| u32::try_from(count).ok());
            let open_until = circuit.pointer("/2/0").and_then(Value::as_u64);
            let probe = circuit.pointer("/2/1").and_then(place);
            Some(Circuit { failures: count(0)?, successes: count(1)?, open_until, probe })
        };
        let places = |places: Value| Some(places.as_array()?.iter().filter_map(place).collect());
        Ok(Self {
            last_call: fields.call("last_call")?,
            last_event: fields.millis("last_event")?,
            events: named(fields.list("events"), |events| {
                Some(list_of(events)?.into_iter().filter_map(event).collect())
            }),
            once: keys_used(fields),
            circuits: named(fields.list("circuits"), circuit),
            listening: named(fields.list("listening"), places),
            parked: named(fields.list("parked"), places),
            ready_tasks: fields.list("ready_tasks").iter().filter_map(place).collect(),
            undecided: fields.list("undecided").iter().filter_map(place).collect(),
        })
    }
}

/// What was done under keys: as `used` with the run that did it, as `once` without one, as earlier versions wrote it.
fn keys_used(fields: &mut FieldReader<'_>) -> HashMap<String, (Option<RunIx>, Value)> {
    let mut used = named(fields.list("once"), |result| Some((None, result)));
    used.extend(named(fields.list("used"), |entry| {
        let mut parts = list_of(entry)?.into_iter();
        let run = parts.next()?.as_u64().and_then(|run| usize::try_from(run).ok());
        Some((run.map(RunIx::new), parts.next()?))
    }));
    used
}

/// A map from `[name, value]`.
fn named<T>(entries: Vec<Value>, read: impl Fn(Value) -> Option<T>) -> HashMap<String, T> {
    let entry = |entry: Value| {
        let mut parts = list_of(entry)?.into_iter();
        let (name, value) = (parts.next()?, parts.next()?);
        Some((name.as_str()?.to_owned(), read(value)?))
    };
    entries.into_iter().filter_map(entry).collect()
}

/// A step from `[run, step]`.
fn place(value: &Value) -> Option<StepRef> {
    pair(value).map(|(run, step)| StepRef { run, step })
}

fn pair<A: From<usize>, B: From<usize>>(value: &Value) -> Option<(A, B)> {
    match positions::<usize>(value)[..] {
        [one, other] => Some((one.into(), other.into())),
        _ => None,
    }
}
