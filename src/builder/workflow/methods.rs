//! The methods that add one operator, and how each treats its options.

use super::WorkflowBuilder;
use crate::definition::{Operator, OperatorType, Reader, Reading};
use crate::error::{Error, ErrorCode, Result};
use crate::json::{child_path, object};
use crate::text::suggest::did_you_mean;
use serde_json::{Map, Value};

/// What happens to an option that a method does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// It becomes an argument of the tool.
    Merged,
    /// It is ignored.
    Ignored,
}

/// A method of the builder that adds an operator.
#[derive(Clone, Copy)]
struct Method {
    name: &'static str,
    operator_type: OperatorType,
    /// Whether `depends_on` is a second name for `dependencies`.
    has_alias: bool,
    /// Whether it takes every field of an operator, or only the [`TASK_FIELDS`].
    takes_all: bool,
    unknown: Unknown,
}

const fn method(name: &'static str, operator_type: OperatorType) -> Method {
    Method { name, operator_type, has_alias: false, takes_all: true, unknown: Unknown::Ignored }
}

const METHODS: [Method; 17] = [
    Method {
        has_alias: true,
        takes_all: false,
        unknown: Unknown::Merged,
        ..method("task", OperatorType::Task)
    },
    Method {
        has_alias: true,
        takes_all: false,
        unknown: Unknown::Merged,
        ..method("activity", OperatorType::Activity)
    },
    Method { takes_all: false, ..method("reflexive", OperatorType::Reflexive) },
    Method { has_alias: true, ..method("child_workflows", OperatorType::ChildWorkflow) },
    Method { has_alias: true, ..method("child_workflow", OperatorType::ChildWorkflow) },
    method("condition", OperatorType::Condition),
    method("wait", OperatorType::Wait),
    method("parallel", OperatorType::Parallel),
    method("parallel_with_join", OperatorType::Parallel),
    method("foreach", OperatorType::Foreach),
    method("while_loop", OperatorType::While),
    method("emit_event", OperatorType::EmitEvent),
    method("wait_for_event", OperatorType::WaitForEvent),
    method("join", OperatorType::Join),
    method("switch", OperatorType::Switch),
    method("multi_choice", OperatorType::MultiChoice),
    method("terminate", OperatorType::Terminate),
];

/// Fields of an operator that tasks, activities and reflexive loops take.
const TASK_FIELDS: [&str; 11] = [
    "dependencies",
    "retry_policy",
    "timeout_policy",
    "circuit_breaker_policy",
    "idempotency_key",
    "metadata",
    "description",
    "result_key",
    "on_success_task_id",
    "on_failure_task_id",
    "trigger_rule",
];

/// Fields for which null means that they are not given.
const NULLABLE: [&str; 6] = ["args", "kwargs", "generator_kwargs", "verifier_kwargs", "result", "inputs"];

/// Fields for which Python's builder writes `value or {}`: any value that counts as false becomes an empty object.
const OR_EMPTY: [&str; 4] = ["generator_kwargs", "verifier_kwargs", "result", "inputs"];

/// Whether an option counts as not given.
fn is_nothing(key: &str, value: &Value) -> bool {
    let is_false = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Object(_) => false,
    };
    NULLABLE.contains(&key) && (value.is_null() || is_false && OR_EMPTY.contains(&key))
}

/// Whether a method adds an operator.
pub(super) fn adds_operator(name: &str) -> bool {
    METHODS.iter().any(|method| method.name == name)
}

impl WorkflowBuilder {
    /// Makes one call. A call that the Python builder refuses is refused here too, at once.
    ///
    /// # Errors
    ///
    /// `METHOD_UNKNOWN`, or one error with all findings about the parameters.
    pub fn call(&mut self, name: &str, params: Value) -> Result<()> {
        let Value::Object(params) = params else {
            return Err(Error::new(
                ErrorCode::FieldTypeInvalid,
                format!("the parameters of `{name}` are not an object"),
            ));
        };
        if let Some(method) = METHODS.iter().find(|method| method.name == name) {
            return self.operator(*method, params);
        }
        self.setting(name, &params)
    }

    fn operator(&mut self, method: Method, mut params: Map<String, Value>) -> Result<()> {
        let scopes = self.open_scopes(method.name, &mut params)?;
        let path = match params.get("task_id") {
            Some(Value::String(id)) => child_path("/tasks", id),
            _ => String::new(),
        };
        let has_dependencies =
            params.contains_key("dependencies") || (method.has_alias && params.contains_key("depends_on"));
        if method.name == "child_workflow" {
            one_child(&mut params);
        }
        let join = if method.name == "parallel_with_join" { Some(join_of(&mut params)?) } else { None };
        let fields = self.fields(method, params, &path);
        let mut reader = Reader::new(&path, Reading { dsl_only: true, ..Reading::default() });
        let operator = Operator::read_as(method.operator_type, &fields, &mut reader);
        self.keep(reader.findings)?;
        let node = self.add(operator, has_dependencies);
        self.close_scopes(node, scopes);
        match join {
            Some(join) => self.call("task", join),
            None => Ok(()),
        }
    }

    /// The fields of the operator among the options. The method decides what happens to the other options.
    fn fields(&mut self, method: Method, params: Map<String, Value>, path: &str) -> Map<String, Value> {
        let own = method.operator_type.fields();
        let has_dependencies = params.contains_key("dependencies");
        let mut fields = Map::new();
        let mut merged = Map::new();
        for (key, value) in params {
            let is_field = key == "task_id"
                || own.contains(&key.as_str())
                || if method.takes_all {
                    Operator::FIELDS.contains(&key.as_str()) && key != "operator_type"
                } else {
                    TASK_FIELDS.contains(&key.as_str())
                };
            if is_field {
                if !is_nothing(&key, &value) {
                    fields.insert(key, value);
                }
            } else if key == "depends_on" && method.has_alias {
                if !has_dependencies {
                    fields.insert("dependencies".into(), value);
                }
            } else {
                self.left_over(method, path, &key);
                if method.unknown == Unknown::Merged {
                    merged.insert(key, value);
                }
            }
        }
        if !merged.is_empty() {
            let kwargs = fields.entry("kwargs").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(kwargs) = kwargs {
                kwargs.extend(merged);
            }
        }
        fields
    }

    fn left_over(&mut self, method: Method, path: &str, key: &str) {
        let known = TASK_FIELDS.iter().chain(method.operator_type.fields()).copied();
        let nearest = did_you_mean(key, known);
        let (code, path, message) = match method.unknown {
            Unknown::Merged => (
                ErrorCode::OptionMerged,
                child_path(&child_path(path, "kwargs"), key),
                format!("`{key}` is not an option of `{}` and becomes an argument of the tool", method.name),
            ),
            Unknown::Ignored => (
                ErrorCode::OptionIgnored,
                child_path(path, key),
                format!("`{key}` is not an option of `{}` and is ignored", method.name),
            ),
        };
        let help = nearest.or_else(|| match (key, method.unknown) {
            ("depends_on", _) => Some("use `dependencies`".into()),
            (_, Unknown::Merged) => Some("put arguments of the tool into `kwargs`".into()),
            _ => None,
        });
        self.note(code, path, message, help);
    }
}

/// Turns `workflow_name` and `inputs` into the only child.
fn one_child(params: &mut Map<String, Value>) {
    let id = params.get("task_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = params.shift_remove("workflow_name").unwrap_or(Value::Null);
    let inputs = params.shift_remove("inputs").filter(|inputs| !is_empty(inputs));
    let inputs = inputs.unwrap_or_else(|| Value::Object(Map::new()));
    let mut children = Map::new();
    children.insert(id, object([("workflow_name", name), ("inputs", inputs)]));
    params.insert("children".into(), Value::Object(children));
}

/// Whether a value counts as false in Python.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(_) => crate::json::number::to_f64(value) == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Splits the options of a fork with a join: `params` keeps those of the fork; the result has those of the join.
fn join_of(params: &mut Map<String, Value>) -> Result<Value> {
    let id = params.get("task_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let timeout = params.shift_remove("timeout_seconds").unwrap_or_else(|| 300.into());
    let given = params.shift_remove("join_result_key");
    let result_key = match given {
        Some(Value::String(key)) if !key.is_empty() => key,
        Some(other) if !is_empty(&other) => {
            let message = format!("expected text, found {}", crate::json::kind_of(&other));
            return Err(Error::new(ErrorCode::FieldTypeInvalid, message).with_path("/join_result_key"));
        }
        _ => format!("{id}_results"),
    };
    let data = format!("{id}_fork_data");
    params.insert("result_key".into(), data.as_str().into());
    Ok(object([
        ("task_id", format!("{id}_join").into()),
        ("function", "tools.workflow.wait_for_parallel_branches".into()),
        ("args", Value::Array(vec![format!("{{{{{data}}}}}").into()])),
        ("kwargs", object([("timeout_seconds", timeout)])),
        ("dependencies", Value::Array(vec![id.into()])),
        ("result_key", result_key.into()),
    ]))
}
