//! The limits on everything that input can make large.

use crate::error::{Error, ErrorCode, Result};
use crate::text::suggest::did_you_mean;
use serde_json::Value;

const MIB: usize = 1_024 * 1_024;

/// Declares the limits: the name of the option, the default, and the message for an excess.
macro_rules! limits {
    ($($(#[$doc:meta])* $limit:ident = $name:literal, $default:expr, $message:literal;)+) => {
        /// A limit of the engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Limit { $($(#[$doc])* $limit,)+ }

        impl Limit {
            /// All limits.
            pub const ALL: &'static [Self] = &[$(Self::$limit,)+];

            /// Its name among the options of an engine.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$limit => $name,)+ }
            }

            /// The value without a setting.
            pub const fn default(self) -> usize {
                match self { $(Self::$limit => $default,)+ }
            }

            const fn message(self) -> &'static str {
                match self { $(Self::$limit => $message,)+ }
            }
        }
    };
}

limits! {
    /// Bytes of the values that templates fill in: for one tool call, one payload, all guards of a task.
    ArgumentBytes = "argumentBytes", 32 * MIB, "the values that templates of the task fill in are larger than";
    /// Bytes that one condition reads, plus 128 for each of its terms. The conditions of one `multi_choice` share the
    /// limit.
    ConditionBytes = "conditionBytes", 16 * MIB, "the condition reads more than";
    /// Bytes of the arguments of all active calls; further calls wait.
    CallBytes = "callBytes", 256 * MIB, "the arguments of all calls are larger than";
    /// Bytes of the result of a task.
    ResultBytes = "resultBytes", 32 * MIB, "the result is larger than";
    /// Bytes of `stdout`, and of `stderr`, that are kept of a running tool, also after its attempt is aborted: half
    /// from the beginning, half from the end.
    OutputBytes = "outputBytes", MIB, "the output is larger than";
    /// Bytes of everything that a run keeps.
    RunBytes = "runBytes", 256 * MIB, "the run keeps more than";
    /// Bytes of everything that an engine keeps.
    EngineBytes = "engineBytes", 512 * MIB, "the engine keeps more than";
    /// Bytes of a definition.
    DefinitionBytes = "definitionBytes", 8 * MIB, "the definition is larger than";
    /// Tasks of a definition, with the nested ones.
    DefinitionTasks = "definitionTasks", 10_000, "the definition has more tasks than";
    /// Bytes of the body of a request, plus 32 for each value in it.
    RequestBytes = "requestBytes", 16 * MIB, "the body of the request is larger than";
    /// Runs that a run starts, and runs that those start.
    RunDescendants = "runDescendants", 10_000, "the run and its descendants have started more runs than";
    /// Runs nested in each other: each one starts the next.
    RunGenerations = "runGenerations", 50, "runs that start each other are nested deeper than";
    /// Items of a loop over a list.
    LoopItems = "loopItems", 100_000, "the loop has more items than";
    /// Rounds of a loop with a condition.
    LoopRounds = "loopRounds", 10_000, "the condition of the loop still holds after the allowed number of rounds:";
    /// Signals of a run that no task has taken.
    RunSignals = "runSignals", 10_000, "the run has more signals that no task has taken than";
    /// Updates sent to a run.
    RunUpdates = "runUpdates", 10_000, "the run got more updates than";
    /// Bytes of the events that are kept for later tasks; the oldest are dropped.
    EventBytes = "eventBytes", 64 * MIB, "the event is larger than";
    /// Bytes of a regular expression of a guard.
    PatternBytes = "patternBytes", 4 * 1_024, "the regular expression of the guard is longer than";
    /// Steps to match all regular expressions of a task's guards: for each one, its own steps times the bytes of its
    /// text plus 64.
    PatternSteps = "patternSteps", 5_000_000, "matching the regular expressions of the guards may take more steps than";
    /// Bytes of the name of an event, a signal or a schedule, or of an idempotency key.
    NameBytes = "nameBytes", 4_096, "the name or the key is longer than";
    /// Schedules.
    Schedules = "schedules", 10_000, "the engine has more schedules than";
    /// Active runs of a scheduled workflow; its schedules wait until one of the runs ends.
    ScheduledRuns = "scheduledRuns", 1_000, "the workflow has more active runs than";
    /// Finished runs of a schedule, with the runs that they started; the oldest are dropped.
    ScheduleHistory = "scheduleHistory", 1_000, "the schedule keeps more runs than";
}

/// The value of each limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits(Vec<usize>);

impl Default for Limits {
    fn default() -> Self {
        Self(Limit::ALL.iter().map(|limit| limit.default()).collect())
    }
}

impl Limits {
    /// The value of a limit.
    pub fn get(&self, limit: Limit) -> usize {
        self.0.get(limit as usize).copied().unwrap_or_else(|| limit.default())
    }

    /// The limits with another value for one of them.
    #[must_use]
    pub fn with(mut self, limit: Limit, most: usize) -> Self {
        if let Some(value) = self.0.get_mut(limit as usize) {
            *value = most;
        }
        self
    }

    /// Reads `{name: number}`. A missing limit has its default.
    ///
    /// # Errors
    ///
    /// `OPTION_INVALID` for an unknown name, and for a value that is not a whole number above 0.
    pub fn from_json(value: &Value) -> Result<Self> {
        let invalid = |message: String, name: &str| {
            let path = crate::json::child_path("/limits", name);
            Error::new(ErrorCode::OptionInvalid, message).with_path(path)
        };
        let mut limits = Self::default();
        for (name, most) in value.as_object().into_iter().flatten() {
            let Some(limit) = Limit::ALL.iter().find(|limit| limit.name() == name) else {
                let names: Vec<&str> = Limit::ALL.iter().map(|limit| limit.name()).collect();
                let help = did_you_mean(name, names.iter().copied())
                    .unwrap_or_else(|| format!("the limits are {}", names.join(", ")));
                return Err(invalid(format!("there is no limit `{name}`"), name).with_help(help));
            };
            let most = most
                .as_u64()
                .filter(|most| *most > 0)
                .ok_or_else(|| invalid(format!("the limit `{name}` is not a whole number above 0"), name))?;
            limits = limits.with(*limit, usize::try_from(most).unwrap_or(usize::MAX));
        }
        Ok(limits)
    }

    /// The error for something that exceeds a limit.
    pub fn exceeded(&self, limit: Limit) -> Error {
        let (name, most) = (limit.name(), self.get(limit));
        let unit = if name.ends_with("Bytes") { " bytes" } else { "" };
        Error::new(ErrorCode::LimitExceeded, format!("{} {most}{unit}", limit.message()))
            .with_help(format!(
                "raise `limits.{name}` of the engine to allow more: `--limit {name}={}`",
                most.saturating_mul(2)
            ))
            .with_detail("limit", name)
            .with_detail("allowed", most)
    }

    /// Checks an amount against a limit.
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
