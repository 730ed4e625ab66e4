//! What input can make large, and how large it may become.

use crate::error::{Error, ErrorCode, Result};
use crate::suggest::did_you_mean;
use serde_json::Value;

const MIB: usize = 1_024 * 1_024;

/// Declares the limits, each with its name among the options, its default, and what is said of what goes beyond it.
macro_rules! limits {
    ($($(#[$doc:meta])* $limit:ident = $name:literal, $default:expr, $what:literal;)+) => {
        /// A limit of the engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Limit { $($(#[$doc])* $limit,)+ }

        impl Limit {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$limit,)+];

            /// Its name among the options of an engine.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$limit => $name,)+ }
            }

            /// What it is where nobody says otherwise.
            pub const fn default(self) -> usize {
                match self { $(Self::$limit => $default,)+ }
            }

            const fn what(self) -> &'static str {
                match self { $(Self::$limit => $what,)+ }
            }
        }
    };
}

limits! {
    /// Bytes of what templates fill in for one call of a tool, one payload, all guards of a task.
    ArgumentBytes = "argumentBytes", 32 * MIB, "what the templates of the task stand for is larger than";
    /// Bytes that one condition reads, and 128 for each of its terms. The conditions of one `multi_choice` share them.
    ConditionBytes = "conditionBytes", 16 * MIB, "the condition reads more than";
    /// Bytes of the arguments of all calls that are under way; further calls wait.
    CallBytes = "callBytes", 256 * MIB, "the arguments of all calls are larger than";
    /// Bytes of what a task gives.
    ResultBytes = "resultBytes", 32 * MIB, "the result is larger than";
    /// Bytes of `stdout`, and of `stderr`, that a running tool shows, and that are kept where its attempt is given up: half from
    /// the beginning, half from the end.
    OutputBytes = "outputBytes", MIB, "the output is larger than";
    /// Bytes of all that a run keeps.
    RunBytes = "runBytes", 256 * MIB, "the run keeps more than";
    /// Bytes of all that an engine keeps.
    EngineBytes = "engineBytes", 512 * MIB, "the engine keeps more than";
    /// Bytes of a definition.
    DefinitionBytes = "definitionBytes", 8 * MIB, "the definition is larger than";
    /// Tasks of a definition, those inside of others counted.
    DefinitionTasks = "definitionTasks", 10_000, "the definition has more tasks than";
    /// Bytes of the body of a request.
    RequestBytes = "requestBytes", 16 * MIB, "the body of the request is larger than";
    /// Runs that a run starts, and those that they start.
    RunDescendants = "runDescendants", 10_000, "the run, and what it has started, have started more runs than";
    /// Runs that start each other, one inside the other.
    RunGenerations = "runGenerations", 50, "workflows have started each other over more generations than";
    /// Items of a loop over a list.
    LoopItems = "loopItems", 100_000, "the loop has more items than";
    /// Rounds of a loop with a condition.
    LoopRounds = "loopRounds", 10_000, "the condition of the loop still holds after the number of rounds that is allowed:";
    /// Signals of a run that nobody has taken.
    RunSignals = "runSignals", 10_000, "the run has more signals that nobody has taken than";
    /// Updates that a run was sent.
    RunUpdates = "runUpdates", 10_000, "the run was sent more updates than";
    /// Bytes of the events that are kept for those who ask later; the oldest are dropped.
    EventBytes = "eventBytes", 64 * MIB, "the event is larger than";
    /// Bytes of a regular expression of a guard.
    PatternBytes = "patternBytes", 4 * 1_024, "the regular expression of the guard is longer than";
    /// Steps that matching the regular expressions of the guards of a task may take: those of each expression, for each byte
    /// of its text.
    PatternSteps = "patternSteps", 5_000_000, "matching the regular expressions of the guards may take more steps than";
    /// Bytes of the name of an event, of a signal, of a schedule, of an idempotency key.
    NameBytes = "nameBytes", 4_096, "the name or the key is longer than";
    /// Schedules.
    Schedules = "schedules", 10_000, "the engine has more schedules than";
    /// Runs of a scheduled workflow that are active; its schedules wait until one ends.
    ScheduledRuns = "scheduledRuns", 1_000, "the workflow has more active runs than";
    /// Runs of a schedule that are over and kept, with those that they have started; the oldest are forgotten.
    ScheduleHistory = "scheduleHistory", 1_000, "the schedule keeps more runs than";
}

/// How large things may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits(Vec<usize>);

impl Default for Limits {
    fn default() -> Self {
        Self(Limit::ALL.iter().map(|limit| limit.default()).collect())
    }
}

impl Limits {
    /// What is allowed.
    pub fn get(&self, limit: Limit) -> usize {
        self.0.get(limit as usize).copied().unwrap_or_else(|| limit.default())
    }

    /// The same with another value for one limit.
    #[must_use]
    pub fn with(mut self, limit: Limit, most: usize) -> Self {
        if let Some(value) = self.0.get_mut(limit as usize) {
            *value = most;
        }
        self
    }

    /// Reads `{name: number}`; what is missing has its default.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` for a name that is none, and for a value that is no whole number above 0.
    pub fn from_json(value: &Value) -> Result<Self> {
        let invalid = |message: String, name: &str| {
            let path = crate::json::child_path("/limits", name);
            Error::new(ErrorCode::OptionInvalid, message).with_path(path)
        };
        let mut limits = Self::default();
        for (name, most) in value.as_object().into_iter().flatten() {
            let Some(limit) = Limit::ALL.iter().find(|limit| limit.name() == name) else {
                let near = did_you_mean(name, Limit::ALL.iter().map(|limit| limit.name()));
                let message = format!("there is no limit `{name}`");
                return Err(invalid(message, name).with_any_help(near));
            };
            let most = most
                .as_u64()
                .filter(|most| *most > 0)
                .ok_or_else(|| invalid(format!("the limit `{name}` is not a whole number above 0"), name))?;
            limits = limits.with(*limit, usize::try_from(most).unwrap_or(usize::MAX));
        }
        Ok(limits)
    }

    /// That something is larger than it may be.
    pub fn exceeded(&self, limit: Limit) -> Error {
        let (name, most) = (limit.name(), self.get(limit));
        let unit = if name.ends_with("Bytes") { " bytes" } else { "" };
        Error::new(ErrorCode::LimitExceeded, format!("{} {most}{unit}", limit.what()))
            .with_help(format!(
                "raise `limits.{name}` of the engine where so much is meant: `--limit {name}={}`",
                most.saturating_mul(2)
            ))
            .with_detail("limit", name)
            .with_detail("allowed", most)
    }

    /// Whether so much is allowed.
    ///
    /// # Errors
    ///
    /// `LIMIT_EXCEEDED`.
    pub fn check(&self, limit: Limit, amount: usize) -> Result<()> {
        if amount > self.get(limit) { Err(self.exceeded(limit)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_are_read_by_name() {
        let limits = Limits::from_json(&json!({"loopItems": 3})).unwrap();
        assert_eq!(limits.get(Limit::LoopItems), 3);
        assert_eq!(limits.get(Limit::RunBytes), Limit::RunBytes.default());
        for (given, path) in
            [(json!({"loopitems": 3}), "/limits/loopitems"), (json!({"loopItems": 0}), "/limits/loopItems")]
        {
            let error = Limits::from_json(&given).unwrap_err();
            assert_eq!((error.code(), error.path()), (ErrorCode::OptionInvalid, Some(path)));
        }
    }

    #[test]
    fn an_error_names_the_option() {
        let error = Limits::default().check(Limit::LoopItems, 100_001).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LimitExceeded);
        assert_eq!(error.message(), "the loop has more items than 100000");
        assert!(error.help().unwrap().contains("limits.loopItems"));
        assert_eq!(error.details().get("allowed"), Some(&json!(100_000)));
    }
}
