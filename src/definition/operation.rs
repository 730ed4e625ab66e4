//! What an operator does: one record for each type, with its fields in the order in which Highway writes them.

use super::fields::{Field, Named, Reader, Step};
use super::operator::Operator;
use super::policy::record_field;
use super::record::{record, words};
use super::wait::WaitFor;
use crate::error::ErrorCode;
use crate::json::JsonWriter;
use serde_json::{Map, Value};

record! {
    /// Runs a tool.
    Task {
        /// Name of the tool, such as `tools.shell.run`.
        function: String,
        /// Positional arguments.
        args: Vec<Value> = Vec::new(),
        /// Named arguments.
        kwargs: Map<String, Value> = Map::new(),
    }
}

record! {
    /// Chooses between two targets.
    Condition {
        /// The expression.
        condition: String,
        /// Id of the operator that runs if the condition holds.
        if_true: Option<String>,
        /// Id of the operator that runs if the condition does not hold.
        if_false: Option<String>,
    }
}

record! {
    /// Sleeps durably.
    Wait {
        /// How long, or until when.
        wait_for: WaitFor,
    }
}

/// Branches that are workflows of their own, by name. They stay the JSON that the document has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Branches(pub Map<String, Value>);

impl Field for Branches {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let branches: Map<String, Value> = Field::read(value, reader)?;
        for (name, branch) in value.as_object().into_iter().flatten() {
            reader.enter(Step::Key(name));
            reader.object(branch);
            reader.leave();
        }
        Some(Self(branches))
    }

    fn write(&self, out: &mut JsonWriter) {
        out.object(&self.0);
    }
}

record! {
    /// Starts branches side by side and completes at once.
    Parallel {
        /// The ids of the operators of each branch.
        branches: Named<Vec<String>> = Named::default(),
        /// The branches as workflows of their own, unread.
        branch_workflows: Branches = Branches::default(),
        /// Time limit of the branches, in seconds.
        timeout: Option<i64> = None,
    }
}

record! {
    /// Runs its body for each item.
    Foreach {
        /// Template of the list.
        items: String,
        /// The body.
        loop_body: Vec<Operator> = Vec::new(),
        /// Whether items run side by side.
        parallel: bool = false,
        /// Whether items may be added while it runs.
        dynamic: bool = false,
    }
}

record! {
    /// Runs its body while the condition holds.
    While {
        /// The expression.
        condition: String,
        /// The body.
        loop_body: Vec<Operator> = Vec::new(),
    }
}

record! {
    /// Emits an event.
    EmitEvent {
        /// Its name.
        event_name: String,
        /// Its data.
        payload: Map<String, Value> = Map::new(),
    }
}

record! {
    /// Waits for an event.
    WaitForEvent {
        /// Its name.
        event_name: String,
        /// Time limit in seconds; none by default.
        timeout_seconds: Option<i64> = None,
    }
}

words! {
    /// What a join waits for.
    JoinMode = "a join mode" {
        /// All tasks have ended.
        #[default]
        AllOf = "all_of",
        /// Any task has ended.
        AnyOf = "any_of",
        /// All tasks succeeded.
        AllSuccess = "all_success",
        /// One task succeeded.
        OneSuccess = "one_success",
    }
}

record! {
    /// Waits for several tasks.
    Join {
        /// The ids of the tasks.
        join_tasks: Vec<String>,
        /// Which of the tasks must end, and how.
        join_mode: JoinMode = JoinMode::AllOf,
    }
}

record! {
    /// Chooses one of several targets by a value.
    Switch {
        /// Template of the value.
        switch_on: String,
        /// Id of the operator for each value.
        cases: Named<String> = Named::default(),
        /// Id of the operator for any other value.
        default: Option<String> = None,
    }
}

record! {
    /// Generates a result, has it verified, and corrects it.
    Reflexive {
        /// Tool that generates.
        generator: String,
        /// Its named arguments.
        generator_kwargs: Map<String, Value> = Map::new(),
        /// Tool that verifies.
        verifier: String,
        /// Its named arguments.
        verifier_kwargs: Map<String, Value> = Map::new(),
        /// The largest number of turns, 1 to 10.
        max_turns: i64 = 3,
        /// Template of the prompt for a correction; the tool's own by default.
        correction_prompt_template: Option<String> = None,
    }
}

record! {
    /// A branch that runs if its condition holds.
    ChoiceBranch {
        /// The expression.
        condition: String,
        /// The ids of the operators of the branch.
        tasks: Vec<String> = Vec::new(),
    }
}

record! {
    /// Runs every branch whose condition holds.
    MultiChoice {
        /// The branches.
        branches: Named<ChoiceBranch>,
        /// The branches as workflows of their own, unread.
        branch_workflows: Branches = Branches::default(),
        /// How many branches must run at least; 1 by default.
        minimum_branches: i64 = 1,
        /// Time limit of the branches, in seconds.
        timeout: Option<i64> = None,
    }
}

words! {
    /// How a workflow ends early.
    TerminateStatus = "a status" {
        /// As completed.
        #[default]
        Completed = "completed",
        /// As failed.
        Failed = "failed",
        /// As cancelled.
        Cancelled = "cancelled",
    }
}

record! {
    /// Ends the workflow.
    Terminate {
        /// How it ends.
        status: TerminateStatus = TerminateStatus::Completed,
        /// Its result.
        result: Map<String, Value> = Map::new(),
        /// Why the workflow ends.
        reason: String = String::new(),
    }
}

record! {
    /// Runs other workflows.
    ChildWorkflow {
        /// `{workflow_name, inputs}` of each workflow, by name.
        children: Named<Map<String, Value>> = Named::default(),
        /// Time limit in seconds.
        timeout_seconds: Option<i64> = None,
    }
}

impl ChoiceBranch {
    fn read_params<'a>(map: &'a Map<String, Value>, reader: &mut Reader<'a>) -> Self {
        reader.unknown(map, &[Self::FIELDS]);
        Self::read_fields(map, reader)
    }
}

record_field! { ChoiceBranch }

/// Declares all operators: word, variant, record.
macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $word:literal: $record:ident,)*) => {
        words! {
            /// The type of an operator.
            OperatorType = "an operator type" { $($(#[$doc])* $variant = $word,)* }
        }

        /// What an operator does.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant holds the record of its name, which is documented")]
        pub enum Operation { $($variant($record),)* }

        impl OperatorType {
            /// Names of the fields that only this type has.
            pub(crate) fn fields(self) -> &'static [&'static str] {
                match self { $(Self::$variant => $record::FIELDS,)* }
            }
        }

        impl Operation {
            pub(super) fn read_fields<'a>(
                operator_type: OperatorType,
                map: &'a Map<String, Value>,
                reader: &mut Reader<'a>,
            ) -> Self {
                let operation = match operator_type {
                    $(OperatorType::$variant => Self::$variant($record::read_fields(map, reader)),)*
                };
                operation.check(reader);
                operation
            }

            pub(super) fn write_fields(&self, out: &mut JsonWriter) {
                match self { $(Self::$variant(record) => record.write_fields(out),)* }
            }
        }
    };
}

operations! {
    /// Runs a tool.
    #[default]
    Task = "task": Task,
    /// Chooses between two targets.
    Condition = "condition": Condition,
    /// Sleeps durably.
    Wait = "wait": Wait,
    /// Starts branches side by side.
    Parallel = "parallel": Parallel,
    /// Runs its body for each item.
    Foreach = "foreach": Foreach,
    /// Chooses one of several targets by a value.
    Switch = "switch": Switch,
    /// Runs its body while a condition holds.
    While = "while": While,
    /// Emits an event.
    EmitEvent = "emit_event": EmitEvent,
    /// Waits for an event.
    WaitForEvent = "wait_for_event": WaitForEvent,
    /// Waits for several tasks.
    Join = "join": Join,
    /// Runs a tool, as a task does.
    Activity = "activity": Task,
    /// Generates a result, has it verified, and corrects it.
    Reflexive = "reflexive": Reflexive,
    /// Runs every branch whose condition holds.
    MultiChoice = "multi_choice": MultiChoice,
    /// Ends the workflow.
    Terminate = "terminate": Terminate,
    /// Runs other workflows.
    ChildWorkflow = "child_workflow": ChildWorkflow,
}

/// Fields that only one type of operator has, and must have. The first match decides.
const SHAPES: [(&[&str], OperatorType); 10] = [
    (&["function"], OperatorType::Task),
    (&["condition", "if_true", "if_false"], OperatorType::Condition),
    (&["wait_for"], OperatorType::Wait),
    (&["items"], OperatorType::Foreach),
    (&["condition"], OperatorType::While),
    (&["event_name", "timeout_seconds"], OperatorType::WaitForEvent),
    (&["event_name"], OperatorType::EmitEvent),
    (&["join_tasks"], OperatorType::Join),
    (&["switch_on"], OperatorType::Switch),
    (&["generator", "verifier"], OperatorType::Reflexive),
];

impl OperatorType {
    /// The type that the fields of an operator imply.
    pub(super) fn of_shape(map: &Map<String, Value>) -> Option<Self> {
        let fits = |keys: &[&str]| keys.iter().all(|key| map.contains_key(*key));
        SHAPES.iter().find(|(keys, _)| fits(keys)).map(|(_, operator_type)| *operator_type)
    }
}

impl Operation {
    /// Checks the rules for single values.
    fn check(&self, reader: &mut Reader<'_>) {
        match self {
            Self::Reflexive(reflexive) => reader.in_range("max_turns", reflexive.max_turns, 1, 10),
            Self::MultiChoice(choice) => {
                reader.in_range("minimum_branches", choice.minimum_branches, 0, i64::MAX);
            }
            _ => {}
        }
    }

    /// The body of a loop.
    pub fn loop_body(&self) -> Option<&[Operator]> {
        match self {
            Self::Foreach(foreach) => Some(&foreach.loop_body),
            Self::While(while_loop) => Some(&while_loop.loop_body),
            _ => None,
        }
    }

    /// The body of a loop, to be changed.
    pub(crate) fn loop_body_mut(&mut self) -> Option<&mut Vec<Operator>> {
        match self {
            Self::Foreach(foreach) => Some(&mut foreach.loop_body),
            Self::While(while_loop) => Some(&mut while_loop.loop_body),
            _ => None,
        }
    }

    /// The branches of the operator that are workflows of their own.
    pub fn branch_workflows(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Parallel(parallel) => Some(&parallel.branch_workflows.0),
            Self::MultiChoice(choice) => Some(&choice.branch_workflows.0),
            _ => None,
        }
    }
}

impl Reader<'_> {
    /// Reports a value that is not among `words`.
    pub(super) fn not_a_word(&mut self, noun: &str, value: &Value, words: &[&'static str]) {
        let Value::String(word) = value else {
            return self.wrong_type("text", value);
        };
        self.error(ErrorCode::FieldValueInvalid, format!("`{word}` is not {noun}"));
        let nearest = crate::text::suggest::did_you_mean(word, words.iter().copied());
        self.help(nearest.unwrap_or_else(|| format!("one of {}", words.join(", "))));
    }
}
