//! Schedules: workflows that start by themselves.

use crate::definition::schedule::Schedule as Rule;
use crate::engine::config::limits::Limit;
use crate::engine::decide::nested::child_id;
use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::plan::Timetable;
use crate::engine::state::definitions::Registered;
use crate::engine::state::positions::ScheduleIx;
use crate::engine::state::run::{Firing, RunCreated};
use crate::engine::state::schedule::{Schedule, ScheduleState, size_of_schedule};
use crate::error::{Error, ErrorCode, Result};
use crate::json::object;
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A request for a schedule.
#[derive(Clone, Debug)]
pub struct ScheduleRequest {
    /// Name of the job.
    pub name: String,
    /// Text of the rule.
    pub text: String,
    /// The definition that it starts.
    pub definition: Registered,
    /// Whether it always starts this definition, even after a later one of the same name.
    pub is_pinned: bool,
    /// Inputs of its runs.
    pub inputs: Map<String, Value>,
}

impl Engine {
    /// Creates a schedule, or changes the one with its name. The result is its position.
    ///
    /// # Errors
    ///
    /// `SCHEDULE_INVALID` for a rule that cannot be read or whose time zone is unknown here; `LIMIT_EXCEEDED`.
    pub fn schedule(&mut self, request: ScheduleRequest, now: Millis) -> Result<ScheduleIx> {
        let at = self.made(request, now)?;
        self.advance(now);
        Ok(at)
    }

    /// Checks whether schedules with all these names can be created or changed.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn may_schedule(&self, names: &[&str]) -> Result<()> {
        for name in names {
            self.may_name(name)?;
        }
        let is_new = |name: &&&str| !self.schedules().any(|(_, known)| known.name == **name);
        let new: BTreeSet<&&str> = names.iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.config.limits.check(Limit::Schedules, self.schedules().count() + new.len())
    }

    fn made(&mut self, request: ScheduleRequest, now: Millis) -> Result<ScheduleIx> {
        let rule = Rule::parse(&request.text)?;
        self.check_zone(&rule, now)?;
        let ScheduleRequest { name, text, definition, is_pinned, inputs } = request;
        self.may_schedule(&[&name])?;
        let workflow = definition.workflow.name.clone();
        self.has_memory(size_of_schedule(&name, &text, &workflow, &inputs))?;
        let hash = is_pinned.then_some(definition.hash);
        let schedule = Schedule { hash, inputs, ..Schedule::new(name, text, rule, workflow, now) };
        Ok(self.set_schedule(schedule, now))
    }

    /// Creates a schedule for the tool `tools.cron.durable_cron`. The result describes it.
    pub(in crate::engine) fn schedule_job(&mut self, kwargs: &Value, now: Millis) -> Result<Value> {
        let text = |name: &str| kwargs.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let missing = |name: &str| {
            Error::new(ErrorCode::ToolArgumentsInvalid, format!("`{name}` is missing"))
                .with_help("give `job_name`, `cron_expression`, and `definition_id` or `workflow_name`")
        };
        let name = text("job_name").ok_or_else(|| missing("job_name"))?;
        let cron = text("cron_expression").ok_or_else(|| missing("cron_expression"))?;
        let id = text("definition_id");
        let found = match (id, text("workflow_name")) {
            (Some(id), _) => self.definition_with_id(id),
            (None, Some(workflow)) => self.latest(workflow),
            (None, None) => return Err(missing("definition_id")),
        };
        let definition = found.cloned().ok_or_else(|| {
            let message = "the definition that the job is to start is not known";
            Error::new(ErrorCode::ToolArgumentsInvalid, message).with_help("register it before")
        })?;
        let inputs = kwargs.pointer("/target_params/inputs").or_else(|| kwargs.get("inputs"));
        let request = ScheduleRequest {
            name: name.to_owned(),
            text: text("timezone").map_or_else(|| cron.to_owned(), |zone| format!("CRON_TZ={zone} {cron}")),
            definition,
            is_pinned: id.is_some(),
            inputs: inputs.and_then(Value::as_object).cloned().unwrap_or_default(),
        };
        let schedule = self.made(request, now)?;
        let status = self.schedules.get(schedule).map(|schedule| {
            object([
                ("status", "scheduled".into()),
                ("schedule_id", schedule.id.as_str().into()),
                ("job_name", schedule.name.as_str().into()),
                ("cron_expression", cron.into()),
                ("next_run_at", schedule.next.map(to_iso).into()),
            ])
        });
        Ok(status.unwrap_or_default())
    }

    /// Checks whether the time zone of a rule is known.
    ///
    /// # Errors
    ///
    /// `SCHEDULE_INVALID`.
    pub fn check_zone(&self, rule: &Rule, now: Millis) -> Result<()> {
        match rule.zone().filter(|zone| self.config.zones.offset(zone, now).is_none()) {
            None => Ok(()),
            Some(zone) => {
                let message = format!("the time zone `{zone}` is not known here");
                let help = "give a name of the IANA time zone database, such as `Europe/Berlin`, or leave it out for UTC";
                Err(Error::new(ErrorCode::ScheduleInvalid, message).with_help(help))
            }
        }
    }

    /// Applies the schedule of a definition to its workflow, and removes the schedule of an earlier definition.
    pub(in crate::engine) fn follow_definition(
        &mut self,
        definition: &Registered,
        inputs: &Map<String, Value>,
        now: Millis,
    ) {
        let name = &definition.workflow.name;
        let Some(Timetable { text, rule, start, is_paused, catches_up, most_active }) =
            definition.workflow.timetable.clone()
        else {
            let own = self.schedules().find(|(_, known)| known.is_own && known.name == *name);
            if let Some((at, _)) = own {
                self.delete_schedule(at);
            }
            return;
        };
        let schedule = Schedule {
            inputs: inputs.clone(),
            start,
            catches_up,
            most_active,
            is_own: true,
            state: if is_paused { ScheduleState::Paused } else { ScheduleState::Active },
            ..Schedule::new(name.clone(), text, rule, name.clone(), now)
        };
        self.set_schedule(schedule, now);
    }

    /// Creates a schedule, or changes the one with its name. With the same rule, it keeps its next firing.
    fn set_schedule(&mut self, wanted: Schedule, now: Millis) -> ScheduleIx {
        let at = self.place_of(&wanted.name);
        let known = self.schedules.get(at).filter(|known| !known.is_deleted());
        let rule = |of: &Schedule| (of.text.clone(), of.start, of.catches_up, of.is_own);
        let schedule = match known {
            Some(known) if rule(known) == rule(&wanted) => Schedule {
                workflow: wanted.workflow,
                hash: wanted.hash,
                inputs: wanted.inputs,
                most_active: wanted.most_active,
                // A waiting schedule may have room now.
                state: match known.state {
                    ScheduleState::Held if wanted.most_active > known.most_active => ScheduleState::Active,
                    state => state,
                },
                ..known.clone()
            },
            _ => {
                // Firings by an earlier rule of the schedule count as done.
                let (last, fired) = known.map_or((None, 0), |known| (known.last, known.fired));
                let wanted = Schedule { last, fired, ..wanted };
                Schedule { next: wanted.first(now, &self.config), ..wanted }
            }
        };
        if known != Some(&schedule) {
            let pinned = known.and_then(|known| known.hash.clone());
            self.commit(Record::ScheduleSet { schedule: at, to: Box::new(schedule) });
            if let Some(hash) = pinned {
                self.forget_definition(&hash);
            }
        }
        at
    }

    /// The position of the schedule with a name. For a new name, it is that of a deleted schedule without runs, or a
    /// new one.
    fn place_of(&self, name: &str) -> ScheduleIx {
        if let Some(at) = self.schedules.find(|known| known.name == name) {
            return at;
        }
        let mut deleted: BTreeSet<ScheduleIx> =
            self.schedules.placed().filter(|(_, known)| known.is_deleted()).map(|(at, _)| at).collect();
        if !deleted.is_empty() {
            for firing in self.runs.iter().filter_map(|run| run.created.schedule) {
                deleted.remove(&firing.schedule);
            }
        }
        deleted.first().copied().unwrap_or(self.schedules.next())
    }

    /// Resumes or pauses a schedule; `false` if there is none.
    pub fn activate_schedule(&mut self, at: ScheduleIx, is_active: bool, now: Millis) -> bool {
        let Some(schedule) = self.schedules.get(at).filter(|schedule| !schedule.is_deleted()) else {
            return false;
        };
        if schedule.is_active() != is_active {
            // Firings during a pause are made up for only if the schedule makes up for all missed ones.
            let next = if is_active && !schedule.catches_up {
                schedule.first(now, &self.config)
            } else {
                schedule.next
            };
            let state = if is_active { ScheduleState::Active } else { ScheduleState::Paused };
            let schedule = Schedule { state, next, ..schedule.clone() };
            self.commit(Record::ScheduleSet { schedule: at, to: Box::new(schedule) });
            self.advance(now);
        }
        true
    }

    /// Deletes a schedule. Runs that it has started continue.
    pub fn delete_schedule(&mut self, at: ScheduleIx) {
        let Some(schedule) = self.schedules.get(at).filter(|schedule| !schedule.is_deleted()) else { return };
        let pinned = schedule.hash.clone();
        let schedule = Schedule { state: ScheduleState::Deleted, inputs: Map::new(), ..schedule.clone() };
        self.commit(Record::ScheduleSet { schedule: at, to: Box::new(schedule) });
        if let Some(hash) = pinned {
            self.forget_definition(&hash);
        }
    }

    /// Handles a schedule that is due.
    pub(in crate::engine) fn fire(&mut self, at: ScheduleIx, now: Millis) {
        let Some(schedule) = self.schedules.get(at) else { return };
        let is_due = |next: Option<Millis>| next.filter(|next| *next <= now);
        let next = |due: Millis| self.config.zones.next(&schedule.rule, due);
        if schedule.catches_up && is_due(schedule.next).and_then(|due| is_due(next(due))).is_some() {
            return self.state.missed.insert(at);
        }
        self.start_scheduled(at, now);
    }

    /// Starts a run for a due schedule, or lets it wait until a run has ended.
    pub(in crate::engine) fn start_scheduled(&mut self, at: ScheduleIx, now: Millis) {
        let Some(schedule) = self.schedules.get(at).filter(|known| known.state == ScheduleState::Active)
        else {
            return;
        };
        let Some(due) = schedule.next.filter(|next| *next <= now) else { return };
        let active = self.active.get(&schedule.workflow).copied().unwrap_or_default();
        if active >= schedule.most_active.min(self.config.limits.get(Limit::ScheduledRuns)) {
            self.commit(Record::ScheduleHeld { schedule: at });
            return;
        }
        let slot = schedule.slot(due, now, &self.config);
        let next = self.config.zones.next(&schedule.rule, slot);
        let definition = match &schedule.hash {
            Some(hash) => self.definition_of(hash),
            None => self.latest(&schedule.workflow),
        };
        let Some(definition) = definition.cloned() else { return };
        let mut inputs = schedule.inputs.clone();
        let since = schedule.last.or(schedule.start).unwrap_or(schedule.at).min(slot);
        inputs.insert("data_interval_start".into(), to_iso(since).into());
        inputs.insert("data_interval_end".into(), to_iso(slot).into());
        if self.may_keep_run(&definition.workflow, &inputs, 0).is_err() {
            return self.await_memory(at);
        }
        let is_late = schedule.catches_up && next.is_some_and(|next| next <= now);
        let run_id = child_id(&schedule.id, self.runs.next());
        self.commit(Record::ScheduleFired { schedule: at, slot, next });
        let created = RunCreated::new(run_id, definition, inputs, now);
        let created = RunCreated { schedule: Some(Firing { schedule: at, slot }), is_late, ..created };
        self.commit(Record::RunCreated(Box::new(created)));
    }
}
