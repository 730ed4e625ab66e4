//! Events between runs, and signals to one.

use crate::engine::config::limits::Limit;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::Operation;
use crate::engine::state::positions::{RunIx, StepIx, StepRef};
use crate::engine::state::run::RunState;
use crate::engine::state::sizes::{size_of_event, size_of_named};
use crate::engine::state::step::{Inner, Step};
use crate::error::Result;
use crate::json::{object, to_text};
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};

impl Engine {
    /// Sends a signal to an active run; `false` if the run has ended. A step that waits for an event of that name
    /// receives it; otherwise it is kept for a later step.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED` if the run has too many signals or keeps too much.
    pub fn signal(&mut self, run: RunIx, name: &str, payload: Value, now: Millis) -> Result<bool> {
        let Some(found) = self.runs.get(run).filter(|run| run.state == RunState::Active) else {
            return Ok(false);
        };
        self.may_name(name)?;
        self.config.limits.check(Limit::RunSignals, found.signals.len() + 1)?;
        self.has_room(run, size_of_named(name, &payload))?;
        if let Some(step) = self.takes_items(run, name, &payload)
            && let Some(Inner::Loop { items: Some(items), .. }) =
                self.step(run, step).and_then(|step| step.inner.as_ref())
        {
            let more = payload.get("items").unwrap_or(&payload).as_array().map_or(1, Vec::len);
            self.config.limits.check(Limit::LoopItems, items.len() + more)?;
        }
        self.state.set_cause(None, now);
        match self.takes_items(run, name, &payload) {
            Some(step) => self.add_items(run, step, &payload, now),
            None => self.signalled(run, name, payload, now),
        }
        self.advance(now);
        Ok(true)
    }

    /// The dynamic loop that a signal `add_items` is for: the one that `task_id` names, or any running one.
    fn takes_items(&self, run: RunIx, name: &str, payload: &Value) -> Option<StepIx> {
        let found = self.runs.get(run).filter(|_| name == "add_items")?;
        let wanted = payload.get("task_id").and_then(Value::as_str);
        let takes = |step: &Step| matches!(step.inner, Some(Inner::Loop { is_open: true, .. }));
        let mut loops = found.steps.placed().filter(|(_, step)| takes(step));
        let is_meant =
            |at: StepIx| found.operator(at).is_some_and(|operator| wanted.is_none_or(|id| id == operator.id));
        loops.find(|(at, _)| is_meant(*at)).map(|(at, _)| at)
    }

    /// Adds the items of `{item}`, `{items}` or a list to a loop.
    fn add_items(&mut self, run: RunIx, step: StepIx, payload: &Value, now: Millis) {
        let one = payload.get("item").cloned();
        let many = payload.get("items").unwrap_or(payload).as_array().cloned().unwrap_or_default();
        let items = one.into_iter().chain(many).collect();
        self.commit(Record::ItemsAdded { run, step, items });
        self.go_round(run, step, now);
    }

    fn signalled(&mut self, run: RunIx, name: &str, payload: Value, now: Millis) {
        self.commit(Record::Signalled { run, name: name.to_owned(), payload, at: now });
        let listening = self.listening.get(name).cloned().unwrap_or_default();
        if let Some(StepRef { step, .. }) = listening.into_iter().find(|listener| listener.run == run) {
            self.receive(run, step, name, now);
        }
    }

    pub(in crate::engine) fn start_emit(
        &mut self,
        run: RunIx,
        step: StepIx,
        event: &str,
        payload: &Map<String, Value>,
        now: Millis,
    ) -> Result<()> {
        let name = to_text(&self.text(run, step, event)?);
        let payload = self.resolved(run, step, &Value::Object(payload.clone()))?;
        self.may_emit(&name, &payload)?;
        let result = object([
            ("event_name", name.as_str().into()),
            ("payload", payload.clone()),
            ("emitted_at", to_iso(now).into()),
        ]);
        self.commit(Record::Emitted { name: name.clone(), payload, at: now });
        self.finish_work(run, step, result, now);
        self.wake_listeners(&name, now);
        Ok(())
    }

    /// Checks whether an event may be kept.
    pub(in crate::engine) fn may_emit(&self, name: &str, payload: &Value) -> Result<()> {
        self.may_name(name)?;
        self.config.limits.check(Limit::EventBytes, size_of_event(name, payload))
    }

    /// Emits an event, for steps that wait for it and for later ones.
    pub(in crate::engine) fn emit(&mut self, name: &str, payload: Value, now: Millis) {
        self.commit(Record::Emitted { name: name.to_owned(), payload, at: now });
        self.wake_listeners(name, now);
    }

    fn wake_listeners(&mut self, name: &str, now: Millis) {
        for StepRef { run: listener, step: waiting } in self.listening.get(name).cloned().unwrap_or_default()
        {
            self.receive(listener, waiting, name, now);
        }
    }

    pub(in crate::engine) fn start_receive(
        &mut self,
        run: RunIx,
        step: StepIx,
        event: &str,
        limit: Option<f64>,
        now: Millis,
    ) -> Result<()> {
        let name = to_text(&self.text(run, step, event)?);
        self.may_name(&name)?;
        self.has_room(run, name.len())?;
        self.enter_within(run, step, Inner::Event(name.clone()), limit, now);
        self.receive(run, step, &name, now);
        Ok(())
    }

    /// Gives a waiting step the oldest signal, or the oldest event that the run has not received yet.
    fn receive(&mut self, run: RunIx, step: StepIx, name: &str, now: Millis) {
        let Some(found) = self.runs.get(run) else { return };
        let signal =
            found.signals.iter().find(|signal| signal.name == name).map(|signal| signal.payload.clone());
        let taken = found.received.get(name).copied().unwrap_or_default();
        let event =
            self.events.get(name).and_then(|events| events.iter().find(|(number, _)| *number > taken));
        let (event, payload) = match (signal, event) {
            (Some(payload), _) => (None, payload),
            (None, Some((number, payload))) => (Some(*number), payload.clone()),
            (None, None) => return,
        };
        if let Some(timeline) = &mut self.state.timeline {
            timeline.set_receiver(StepRef { run, step });
        }
        if let Err(error) = self.has_room(run, size_of_named(name, &Value::Null)) {
            return self.fail_attempt(run, step, &error, now);
        }
        self.commit(Record::Received { run, name: name.to_owned(), event });
        // Templates can read the fields of the payload with and without `payload`.
        let mut result = payload.as_object().cloned().unwrap_or_default();
        result.entry("event_name").or_insert_with(|| name.into());
        result.insert("payload".into(), payload);
        self.finish_work(run, step, Value::Object(result), now);
    }

    /// The event that reports the end of an activity within its run, and its payload.
    fn end_of_activity(&self, run: RunIx, step: StepIx, result: &Value) -> Option<(String, Value)> {
        let operator = self.operator(run, step)?;
        if !matches!(operator.operation, Operation::Task { is_activity: true, .. }) {
            return None;
        }
        let payload = object([
            ("task_id", operator.id.as_str().into()),
            ("status", "completed".into()),
            ("result", result.clone()),
        ]);
        Some((format!("activity_{}_completed", operator.id), payload))
    }

    /// The bytes of the event about the end of a step that is an activity, if the run may keep it. They are not
    /// available for its result.
    pub(in crate::engine) fn may_complete_activity(
        &self,
        run: RunIx,
        step: StepIx,
        result: &Value,
    ) -> Result<usize> {
        let Some((event, payload)) = self.end_of_activity(run, step, result) else { return Ok(0) };
        let waiting = self.runs.get(run).map_or(0, |run| run.signals.len());
        self.config.limits.check(Limit::RunSignals, waiting + 1)?;
        Ok(size_of_named(&event, &payload))
    }

    /// The result of an activity. It also emits the event about its end within the run.
    pub(in crate::engine) fn with_completion_event(
        &mut self,
        run: RunIx,
        step: StepIx,
        result: Value,
        now: Millis,
    ) -> Value {
        let Some((event, payload)) = self.end_of_activity(run, step, &result) else { return result };
        self.signalled(run, &event, payload, now);
        let mut fields = match result {
            Value::Object(fields) => fields,
            other => Map::from_iter([("result".to_owned(), other)]),
        };
        fields.insert("completion_event".into(), event.into());
        Value::Object(fields)
    }
}
