//! `WorkflowBuilder` of `highway_dsl`, method by method: it takes calls and returns a definition.

mod methods;
mod scopes;
mod settings;

use crate::definition::{Named, Operator, Reading, Workflow, name_fault, read_with};
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::json::{child_path, object};
use crate::text::names::sorted_names;
use serde_json::{Map, Value};

/// Builds a definition, call by call.
///
/// A call is the name of a Python method with its named parameters. A callback that receives a builder of its own is
/// the list of the calls it makes: `{"$sub": [["task", {…}], …]}`.
///
/// ```
/// use highway_wasm::builder::WorkflowBuilder;
/// use serde_json::json;
///
/// let mut builder = WorkflowBuilder::new(&json!({"name": "nightly"})).unwrap();
/// builder.call("task", json!({"task_id": "dump", "function": "tools.shell.run", "args": ["pg_dump db"]})).unwrap();
/// builder.call("foreach", json!({"task_id": "each", "items": "{{dump.tables}}", "loop_body": {"$sub": [
///     ["task", {"task_id": "copy", "function": "tools.shell.run", "args": ["cp {{item}} /backup"]}],
/// ]}})).unwrap();
/// let built = builder.build().unwrap();
/// assert_eq!(built.workflow.start_task.as_deref(), Some("dump"));
/// assert_eq!(built.workflow.tasks.get("each").unwrap().dependencies, ["dump"]);
/// assert!(built.workflow.tasks.get("copy").unwrap().is_internal_loop_task);
/// ```
#[derive(Clone, Debug)]
pub struct WorkflowBuilder {
    /// The workflow without its operators.
    workflow: Workflow,
    /// The operators by key.
    tasks: Vec<(String, Node)>,
    /// All operators, those of branches and bodies included.
    nodes: Vec<Placed>,
    /// The positions of the operators by key, and how many operators name an id as their callback. Both are JSON maps,
    /// so that the module contains only one kind of hash table.
    positions: Map<String, Value>,
    callbacks: Map<String, Value>,
    current: Option<usize>,
    notes: Vec<Diagnostic>,
    /// The number of branches and bodies around it.
    depth: usize,
}

/// The position of an operator among all operators. Highway shares one operator between the workflow and the bodies of
/// loops: a change in one place changes it everywhere.
type Node = usize;

/// An operator without its body, which stands beside it as positions.
#[derive(Clone, Debug)]
struct Placed {
    operator: Operator,
    body: Vec<Node>,
}

/// The deepest nesting of branches and bodies. Highway repeats the body of a loop at every level, so each level doubles
/// the document.
const DEPTH: usize = 16;

/// The result of a builder.
#[derive(Clone, Debug)]
pub struct Built {
    /// The definition.
    pub workflow: Workflow,
    /// Findings about parts that are written as Highway's builder writes them, although the user can hardly have meant
    /// them.
    pub notes: Vec<Diagnostic>,
}

impl WorkflowBuilder {
    /// A builder of `{name, version?, deadline_seconds?, deadline_action?}`, or of the definition in
    /// `existing_workflow`.
    ///
    /// # Errors
    ///
    /// One error with all findings about the parameters.
    pub fn new(params: &Value) -> Result<Self> {
        let existing = params.get("existing_workflow").filter(|value| !value.is_null());
        // An existing workflow is not checked again, since its setters do not check either.
        let rules = Reading { dsl_only: existing.is_none(), ..Reading::default() };
        let document = read_with(existing.unwrap_or(params), "", rules);
        let findings = document.diagnostics.into_iter();
        let (errors, notes): (Vec<_>, Vec<_>) = findings.partition(Diagnostic::is_error);
        if let Some(error) = Error::from_diagnostics(errors).filter(|_| existing.is_none()) {
            return Err(error);
        }
        let mut builder = Self::empty(Workflow::new(""));
        builder.notes = notes;
        let mut workflow = document.workflow;
        for (key, operator) in std::mem::take(&mut workflow.tasks.0) {
            let node = builder.place(operator);
            builder.store(key, node);
        }
        builder.workflow = workflow;
        Ok(builder)
    }

    /// A builder for a branch or a body. Highway checks the name of these, too.
    fn part(name: &str) -> Result<Self> {
        match name_fault(name) {
            Some(message) => Err(Error::new(ErrorCode::WorkflowNameInvalid, message)
                .with_help("the ids of loops, conditions and forks, and the names of branches, become names of workflows")),
            None => Ok(Self::empty(Workflow::new(name))),
        }
    }

    fn empty(workflow: Workflow) -> Self {
        Self {
            workflow,
            tasks: Vec::new(),
            nodes: Vec::new(),
            positions: Map::new(),
            callbacks: Map::new(),
            current: None,
            notes: Vec::new(),
            depth: 0,
        }
    }

    /// Makes the calls of a list `[[method, params], …]`.
    ///
    /// # Errors
    ///
    /// The error of the first call that fails.
    pub fn calls(&mut self, calls: Value) -> Result<()> {
        let Value::Array(calls) = calls else {
            return Err(Error::new(ErrorCode::MethodUnknown, "the calls are not a list"));
        };
        for call in calls {
            let Value::Array(call) = call else {
                return Err(Error::new(
                    ErrorCode::MethodUnknown,
                    "a call is not a list of a method and its parameters",
                ));
            };
            let mut parts = call.into_iter();
            let method = parts.next().unwrap_or_default();
            self.call(method.as_str().unwrap_or_default(), parts.next().unwrap_or_default())?;
        }
        Ok(())
    }

    /// Checks one call alone. `has_current` says whether the builder has an operator that it could modify.
    ///
    /// # Errors
    ///
    /// The errors of [`call`](Self::call).
    pub fn check_call(method: &str, params: Value, has_current: bool) -> Result<()> {
        let mut builder = Self::empty(Workflow::new(""));
        // Only the methods that modify an operator depend on earlier calls.
        if has_current && !methods::adds_operator(method) {
            builder.call("wait", object([("task_id", "current".into()), ("wait_for", 1.into())]))?;
        }
        builder.call(method, params)
    }

    /// The definition.
    ///
    /// # Errors
    ///
    /// `TARGET_UNKNOWN` if a callback names no operator of the workflow.
    pub fn build(mut self) -> Result<Built> {
        let missing: Vec<_> =
            self.tasks.iter().flat_map(|(key, node)| self.missing_targets(key, *node)).collect();
        if let Some(error) = Error::from_diagnostics(missing) {
            return Err(error);
        }
        if self.workflow.start_task.as_deref().is_none_or(str::is_empty) {
            self.workflow.start_task = self.tasks.first().map(|(key, _)| key.clone());
        }
        Ok(self.finish())
    }

    /// The definition as built so far.
    fn finish(mut self) -> Built {
        let tasks = std::mem::take(&mut self.tasks);
        let tasks = self.written_all(tasks);
        Built { workflow: Workflow { tasks, ..self.workflow }, notes: self.notes }
    }

    /// The existing definition with one field changed by one setter.
    ///
    /// # Errors
    ///
    /// One error with all findings about the parameters of the setter.
    pub fn set(existing: Value, setter: &str, params: Value) -> Result<Built> {
        let mut builder = Self::new(&object([("existing_workflow", existing)]))?;
        builder.call(setter, params)?;
        Ok(builder.finish())
    }

    fn missing_targets(&self, key: &str, node: Node) -> Vec<Diagnostic> {
        let Some(Placed { operator, .. }) = self.nodes.get(node) else { return Vec::new() };
        let targets =
            [(&operator.on_success_task_id, "on_success"), (&operator.on_failure_task_id, "on_failure")];
        let named = targets.into_iter().filter_map(|(target, outcome)| Some((target.as_deref()?, outcome)));
        let missing = named.filter(|(target, _)| !target.is_empty() && !self.positions.contains_key(*target));
        missing
            .map(|(target, outcome)| {
                let message = format!("task `{key}` references non-existent {outcome} task `{target}`");
                let path = child_path(&child_path("/tasks", key), &format!("{outcome}_task_id"));
                let others = self.positions.keys().filter(|other| *other != key);
                let help = crate::text::suggest::did_you_mean(target, others.map(String::as_str));
                Diagnostic::error(ErrorCode::TargetUnknown, path, message).with_any_help(help)
            })
            .collect()
    }

    fn written_all(&self, tasks: Vec<(String, Node)>) -> Named<Operator> {
        Named(tasks.into_iter().filter_map(|(key, node)| Some((key, self.written(node)?))).collect())
    }

    /// The operator as it is written, with its body.
    fn written(&self, node: Node) -> Option<Operator> {
        let Placed { operator, body } = self.nodes.get(node)?;
        let mut operator = operator.clone();
        if let Some(slot) = operator.operation.loop_body_mut() {
            *slot = body.iter().filter_map(|node| self.written(*node)).collect();
        }
        Some(operator)
    }

    /// Adds an operator to the list, and returns its position.
    fn place(&mut self, mut operator: Operator) -> Node {
        let inside = operator.operation.loop_body_mut().map(std::mem::take).unwrap_or_default();
        let body = inside.into_iter().map(|operator| self.place(operator)).collect();
        self.nodes.push(Placed { operator, body });
        self.nodes.len() - 1
    }

    fn operator_mut(&mut self, node: Node) -> Option<&mut Operator> {
        self.nodes.get_mut(node).map(|placed| &mut placed.operator)
    }

    /// Adds an operator by Highway's rules: without dependencies it follows the current one, unless it is the callback
    /// of another operator. Dependencies are sorted and unique.
    fn add(&mut self, mut operator: Operator, has_dependencies: bool) -> Node {
        let is_callback =
            self.callbacks.get(&operator.task_id).and_then(Value::as_u64).is_some_and(|count| count > 0);
        let current = self.current_key().filter(|_| !has_dependencies && !is_callback);
        operator.dependencies.extend(current.map(str::to_owned));
        if operator.dependencies.len() > 1 {
            operator.dependencies = sorted_names(operator.dependencies);
        }
        let key = operator.task_id.clone();
        if self.positions.contains_key(&key) {
            self.note_overwritten(&key);
        }
        let has_name = !key.is_empty();
        let node = self.place(operator);
        // In Highway, an empty id counts as none.
        self.current = Some(self.store(key, node)).filter(|_| has_name);
        node
    }

    /// Stores an operator under a key. It replaces an earlier one with the same key, in the same position.
    fn store(&mut self, key: String, node: Node) -> usize {
        self.count_callbacks(node, true);
        let position =
            self.positions.get(&key).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        if let Some((at, slot)) = position.and_then(|at| Some((at, self.tasks.get_mut(at)?))) {
            let earlier = std::mem::replace(&mut slot.1, node);
            self.count_callbacks(earlier, false);
            return at;
        }
        let at = self.tasks.len();
        self.positions.insert(key.clone(), at.into());
        self.tasks.push((key, node));
        at
    }

    fn count_callbacks(&mut self, node: Node, is_added: bool) {
        let Some(Placed { operator, .. }) = self.nodes.get(node) else { return };
        let targets = [&operator.on_success_task_id, &operator.on_failure_task_id];
        let targets: Vec<String> = targets.into_iter().flatten().cloned().collect();
        for target in targets {
            self.count_callback(&target, is_added);
        }
    }

    fn count_callback(&mut self, target: &str, is_added: bool) {
        let count = self.callbacks.get(target).and_then(Value::as_u64).unwrap_or(0);
        let count = if is_added { count + 1 } else { count.saturating_sub(1) };
        self.callbacks.insert(target.to_owned(), count.into());
    }

    fn current_key(&self) -> Option<&str> {
        self.tasks.get(self.current?).map(|(key, _)| key.as_str())
    }

    fn current_operator(&mut self) -> Option<&mut Operator> {
        let (_, node) = self.tasks.get(self.current?)?;
        self.operator_mut(*node)
    }

    /// Keeps findings as notes. If one of them is an error, it returns the error instead.
    fn keep(&mut self, findings: Vec<Diagnostic>) -> Result<()> {
        let (errors, notes): (Vec<_>, Vec<_>) = findings.into_iter().partition(Diagnostic::is_error);
        Error::from_diagnostics(errors).map_or(Ok(()), Err)?;
        self.notes.extend(notes);
        Ok(())
    }

    fn note_overwritten(&mut self, key: &str) {
        let message = format!("task `{key}` replaces an earlier one of the same id");
        let help = Some("give each task an id of its own".to_owned());
        self.note(ErrorCode::TaskOverwritten, child_path("/tasks", key), message, help);
    }

    fn note(&mut self, code: ErrorCode, path: String, message: String, help: Option<String>) {
        self.notes.push(Diagnostic::warning(code, path, message).with_any_help(help));
    }
}
