//! Carries out the tools of the engine.

use crate::engine::journal::record::Record;
use crate::engine::machine::Engine;
use crate::engine::state::definitions::IDS;
use crate::engine::state::positions::{RunIx, StepIx, StepRef};
use crate::engine::state::run::RunState;
use crate::engine::state::sizes::size_of_named;
use crate::engine::state::step::{Inner, StepState};
use crate::engine::tools::builtin::Builtin;
use crate::error::{Error, ErrorCode, Result};
use crate::expr::order;
use crate::json::number::{integer, number, parse_f64, to_f64};
use crate::json::{object, size_of_map, to_text};
use crate::time::{Millis, to_iso};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// The default time limits for branches and for the answers of people, in seconds.
const BRANCHES_LIMIT: f64 = 300.0;

const APPROVAL_LIMIT: f64 = 3_600.0;

/// The variable that the counter tools use.
const COUNTER: &str = "counter";

impl Engine {
    pub(in crate::engine) fn start_builtin(
        &mut self,
        run: RunIx,
        step: StepIx,
        tool: Builtin,
        args: &[Value],
        kwargs: &Value,
        now: Millis,
    ) -> Result<()> {
        let given = |at: usize, name: &str| {
            kwargs.get(name).or_else(|| args.get(at)).filter(|value| !value.is_null())
        };
        let seconds =
            |at: usize, default: f64| given(at, "timeout_seconds").and_then(to_f64).unwrap_or(default);
        let fork = || {
            given(0, "fork")
                .or_else(|| kwargs.get("fork_data"))
                .or_else(|| kwargs.get("parallel_result"))
                .ok_or_else(|| {
                    Error::new(
                        ErrorCode::ToolArgumentsInvalid,
                        "the result of the parallel operator is missing",
                    )
                })
        };
        let branch = || {
            let name = given(1, "branch_name").or_else(|| kwargs.get("name")).map(to_text);
            name.ok_or_else(|| {
                Error::new(ErrorCode::ToolArgumentsInvalid, "the name of the branch is missing")
            })
        };
        match tool {
            Builtin::WaitForBranches => {
                let limit = Some(seconds(1, BRANCHES_LIMIT));
                self.wait_for_branches(run, step, fork()?, None, limit, now)
            }
            Builtin::WaitForBranch => {
                let limit = Some(seconds(2, BRANCHES_LIMIT));
                self.wait_for_branches(run, step, fork()?, Some(&branch()?), limit, now)
            }
            Builtin::CancelBranch => {
                let name = branch()?;
                let cancelled = self.cancel_branch(run, fork()?, &name, now)?;
                self.finish_work(
                    run,
                    step,
                    object([("branch", name.into()), ("cancelled", cancelled.into())]),
                    now,
                );
                Ok(())
            }
            Builtin::RunWorkflow => {
                let mut child: Map<String, Value> = IDS
                    .iter()
                    .chain(["workflow_name", "inputs"].iter())
                    .filter_map(|name| Some(((*name).to_owned(), kwargs.get(*name)?.clone())))
                    .filter(|(_, value)| !value.is_null())
                    .collect();
                if child.keys().all(|name| name == "inputs") {
                    let name = args.first().filter(|name| !name.is_null()).ok_or_else(|| {
                        Error::new(ErrorCode::ToolArgumentsInvalid, "the name of the workflow is missing")
                    })?;
                    child.insert("workflow_id".into(), name.clone());
                }
                let found = self.requested_definition(&child);
                let name = found.map_or_else(|request| request, |found| found.workflow.name.clone());
                self.start_children(run, step, &[(name, child)], None, now)
            }
            Builtin::InitCounter => {
                let start = given(0, "start").filter(|start| start.is_number()).cloned();
                self.count(run, step, start.unwrap_or_else(|| 0.into()), now)
            }
            Builtin::IncrementCounter => {
                let before = self.scope(run, step).and_then(|scope| scope.variable(COUNTER).cloned());
                let next = one_more(before.as_ref())?;
                let most = given(0, "max_value").filter(|most| order(&next, most) == Some(Ordering::Greater));
                let value = most.cloned().unwrap_or(next);
                self.count(run, step, value, now)
            }
            Builtin::RequestApproval => self.request_approval(run, step, args, kwargs, now),
            Builtin::HandleUpdate => {
                let limit = kwargs.get("timeout_seconds").and_then(to_f64);
                self.start_handling(run, step, kwargs, limit, now)
            }
            Builtin::Schedule => {
                let result = self.schedule_job(kwargs, now)?;
                self.finish_work(run, step, result, now);
                Ok(())
            }
        }
    }

    fn count(&mut self, run: RunIx, step: StepIx, value: Value, now: Millis) -> Result<()> {
        self.has_room(run, size_of_named(COUNTER, &value))?;
        self.commit(Record::VariableSet { run, step, name: COUNTER.into(), value: value.clone() });
        self.finish_work(run, step, object([(COUNTER, value)]), now);
        Ok(())
    }

    /// Starts to wait for the answer of a person.
    fn request_approval(
        &mut self,
        run: RunIx,
        step: StepIx,
        args: &[Value],
        kwargs: &Value,
        now: Millis,
    ) -> Result<()> {
        let text = |at: usize, names: &[&str]| {
            names.iter().find_map(|name| kwargs.get(*name)).or_else(|| args.get(at)).map(to_text)
        };
        let run_id = self.runs.get(run).map(|run| run.id().to_owned()).unwrap_or_default();
        let key = text(0, &["approval_key", "key"]).unwrap_or_else(|| format!("{run_id}:{step}"));
        self.may_name(&key)?;
        if self.approval(&key).is_some() {
            return Err(Error::new(
                ErrorCode::ToolArgumentsInvalid,
                format!("another task already waits for the approval `{key}`"),
            )
            .with_help("put `{{workflow_run_id}}` into the key"));
        }
        let hours = kwargs.get("expires_in_hours").and_then(to_f64).map(|hours| hours * 3_600.0);
        let limit = kwargs.get("timeout_seconds").and_then(to_f64).or(hours).unwrap_or(APPROVAL_LIMIT);
        let approval = Map::from_iter([
            ("approval_key".to_owned(), key.into()),
            ("title".to_owned(), text(1, &["title", "message"]).into()),
            ("description".to_owned(), text(2, &["description"]).into()),
            ("approval_data".to_owned(), kwargs.get("approval_data").cloned().unwrap_or_default()),
        ]);
        self.has_room(run, size_of_map(&approval))?;
        self.enter_within(run, step, Inner::Approval(approval), Some(limit), now);
        Ok(())
    }

    /// The step that waits for an approval: its run, its position, and the request.
    pub fn approval(&self, key: &str) -> Option<(RunIx, StepIx, &Map<String, Value>)> {
        self.approvals().find(|(_, _, request)| request.get("approval_key").is_some_and(|known| known == key))
    }

    /// All approvals that are waited for: run, step, and request.
    pub fn approvals(&self) -> impl Iterator<Item = (RunIx, StepIx, &Map<String, Value>)> {
        let active = self.runs.placed().filter(|(_, run)| run.state == RunState::Active);
        active.flat_map(|(at, run)| {
            run.steps.placed().filter_map(move |(step, found)| match &found.inner {
                Some(Inner::Approval(approval)) if found.state == StepState::Sleeping => {
                    Some((at, step, approval))
                }
                _ => None,
            })
        })
    }

    /// Reports the answer of a person; `false` if no step waits for it.
    pub fn decide(
        &mut self,
        key: &str,
        is_approved: bool,
        comment: &str,
        approver: &str,
        now: Millis,
    ) -> bool {
        let Some((run, step, _)) = self.approval(key) else { return false };
        self.state.set_cause(Some(StepRef { run, step }), now);
        let result = object([
            ("status", if is_approved { "approved" } else { "rejected" }.into()),
            ("approved", is_approved.into()),
            ("approval_key", key.into()),
            ("comment", comment.into()),
            ("approver", approver.into()),
            ("timestamp", to_iso(now).into()),
        ]);
        self.finish_work(run, step, result, now);
        self.advance(now);
        true
    }
}

/// The value of a counter after `before`, exact to the last digit.
fn one_more(before: Option<&Value>) -> Result<Value> {
    let Some(Value::Number(before)) = before else { return Ok(1.into()) };
    let digits = before.as_str();
    match integer(digits).map(|before| before.checked_add(1)) {
        Some(Some(next)) => Ok(next.into()),
        None if digits.contains(['.', 'e', 'E']) => Ok(number(parse_f64(digits).unwrap_or_default() + 1.0)),
        _ => {
            let message = format!("the counter cannot count on from `{digits}`, it has 64 bits");
            Err(Error::new(ErrorCode::ToolArgumentsInvalid, message))
        }
    }
}
