//! One node of a workflow: the fields that all operators have, and its operation.

use super::advice;
use super::fields::{Field, Reader, Step};
use super::operation::{Operation, OperatorType};
use super::policy::{CircuitBreakerPolicy, DataGuard, RetryPolicy, TimeoutPolicy, driver_timeout};
use super::record::{record, words};
use crate::error::ErrorCode;
use crate::json::JsonWriter;
use serde_json::{Map, Value};

words! {
    /// When an operator starts, given how its dependencies ended.
    TriggerRule = "a trigger rule" {
        /// Every dependency succeeded.
        #[default]
        AllSuccess = "all_success",
        /// Every dependency has ended.
        AllDone = "all_done",
        /// At least one dependency succeeded.
        OneSuccess = "one_success",
        /// At least one dependency has ended.
        OneDone = "one_done",
        /// No dependency failed: each succeeded or was skipped.
        NoneFailed = "none_failed",
    }
}

record! {
    /// One node of a workflow.
    Operator {
        /// Its id, unique in the workflow.
        task_id: String,
        /// Its type.
        operator_type: OperatorType = OperatorType::Task,
        /// Ids of the operators that must end first.
        dependencies: Vec<String> = Vec::new(),
        /// Which ends of the dependencies let it start.
        trigger_rule: TriggerRule = TriggerRule::AllSuccess,
        /// How often and how fast it is tried again after a failure; the workflow's default if absent.
        retry_policy: Option<RetryPolicy> = None,
        /// Time limit of one attempt.
        timeout_policy: Option<TimeoutPolicy> = None,
        /// When the engine stops calling a tool that keeps failing.
        circuit_breaker_policy: Option<CircuitBreakerPolicy> = None,
        /// Two attempts with the same key have one effect. May contain templates.
        idempotency_key: Option<String> = None,
        /// Free data.
        metadata: Map<String, Value> = Map::new(),
        /// What it is for.
        description: String = String::new(),
        /// The name by which templates find its result; the id by default.
        result_key: Option<String> = None,
        /// Id of the operator that runs when this one succeeded.
        on_success_task_id: Option<String> = None,
        /// Id of the operator that runs when this one failed.
        on_failure_task_id: Option<String> = None,
        /// Whether it belongs to the body of a loop.
        is_internal_loop_task: bool = false,
        /// Whether it belongs to a branch.
        is_internal_parallel_task: bool = false,
        /// What must hold before it starts.
        preconditions: Vec<DataGuard> = Vec::new(),
        /// What must hold of its result.
        postconditions: Vec<DataGuard> = Vec::new(),
    } with
        /// What it does.
        operation: Operation
}

impl Operator {
    /// The name by which templates find its result: the result key, or else the id.
    pub fn result_name(&self) -> &str {
        self.result_key.as_deref().unwrap_or(&self.task_id)
    }

    /// Reads one operator of a given type.
    pub(crate) fn read_as<'a>(
        operator_type: OperatorType,
        map: &'a Map<String, Value>,
        reader: &mut Reader<'a>,
    ) -> Self {
        let operation = Operation::read_fields(operator_type, map, reader);
        let mut operator = Self::read_fields(map, reader, operation);
        operator.operator_type = operator_type;
        let is_task = matches!(operator.operation, Operation::Task(_) | Operation::Activity(_));
        let alias: &[&str] = if is_task && !reader.rules.dsl_only { &["timeout_seconds"] } else { &[] };
        if !alias.is_empty() && operator.timeout_policy.is_none() {
            operator.timeout_policy = driver_timeout(map, reader);
        }
        reader.unknown(map, &[Self::FIELDS, operator_type.fields(), alias]);
        operator
    }

    /// The type that an entry of `tasks` names; `None` with a finding if it names none.
    fn named_type<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Option<OperatorType> {
        reader.enter(Step::Key("operator_type"));
        let value = map.get("operator_type").unwrap_or(&Value::Null);
        let found = value.as_str().and_then(OperatorType::from_word);
        match value {
            Value::Null => {
                reader.error(ErrorCode::OperatorUnknown, "the task has no `operator_type`");
                let known = || format!("Highway knows {}", OperatorType::WORDS.join(", "));
                reader.help(advice::of_operator(map).unwrap_or_else(known));
            }
            value if found.is_none() => {
                reader.not_a_word("an operator type", value, OperatorType::WORDS);
                if let Some(finding) = reader.findings.last_mut() {
                    finding.code = ErrorCode::OperatorUnknown;
                    if let Some(help) = value.as_str().and_then(advice::of_type) {
                        finding.help = Some(help.to_owned());
                    }
                }
            }
            _ => {}
        }
        reader.leave();
        found
    }

    /// The type of an entry of a loop body. An entry that names no type gets the type that its fields imply, as in
    /// Highway.
    fn guessed_type<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Option<OperatorType> {
        if map.contains_key("operator_type") {
            return Self::named_type(map, reader);
        }
        let Some(guess) = OperatorType::of_shape(map) else {
            return Self::named_type(map, reader);
        };
        let message = format!("the task has no `operator_type` and is read as `{}`", guess.as_str());
        reader.warning(ErrorCode::OperatorUnknown, message);
        Some(guess)
    }
}

impl Field for Operator {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let map = reader.object(value)?;
        // Entries of `tasks` stand below a key. Entries of a loop body stand in a list, and may leave their type out.
        let operator_type =
            if reader.in_list() { Self::guessed_type(map, reader) } else { Self::named_type(map, reader) };
        let Some(operator_type) = operator_type else {
            // Keeps what can be read of a faulty operator, so that references to it do not become findings as well.
            let found = reader.findings.len();
            let operator = Self::read_as(OperatorType::Task, map, reader);
            reader.findings.truncate(found);
            return Some(operator);
        };
        Some(Self::read_as(operator_type, map, reader))
    }

    fn write(&self, out: &mut JsonWriter) {
        out.open('{');
        self.write_fields(out);
        self.operation.write_fields(out);
        out.close('}');
    }
}
