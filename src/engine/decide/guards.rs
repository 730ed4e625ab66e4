//! Checks the conditions before a task and on its result.

use crate::definition::{DataGuard, GuardCheck, Moment};
use crate::engine::config::Config;
use crate::engine::config::limits::{Limit, Limits};
use crate::engine::machine::Engine;
use crate::engine::plan::Planned;
use crate::engine::state::failure::Failure;
use crate::error::ErrorCode;
use crate::expr::{equal, is_among, order};
use crate::json::{size, text_of, to_text};
use crate::template::names::is_of_engine;
use crate::template::{Mode, Named, Scope, Syntax, lend, lookup, reference, resolve};
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// The names of a step, with the result that it is about to have.
pub(in crate::engine) struct WithResult<'a> {
    pub(in crate::engine) scope: &'a dyn Scope,
    pub(in crate::engine) operator: &'a Planned,
    pub(in crate::engine) result: &'a Value,
}

impl WithResult<'_> {
    fn is_own(&self, name: &str) -> bool {
        self.operator.result_key.as_deref() == Some(name) || self.operator.id == name
    }
}

impl Scope for WithResult<'_> {
    fn lookup(&self, name: &str) -> Option<Named<'_>> {
        let is_own = (self.is_own(name) && !is_of_engine(name)) || name == "result";
        if is_own { Some(Named::Value(Cow::Borrowed(self.result))) } else { self.scope.lookup(name) }
    }

    fn names(&self) -> Vec<String> {
        self.scope.names()
    }

    fn within(&self, namespace: &str, name: &str) -> Option<Cow<'_, Value>> {
        let is_own = namespace == "results" && self.is_own(name);
        if is_own { Some(Cow::Borrowed(self.result)) } else { self.scope.within(namespace, name) }
    }

    fn names_within(&self, namespace: &str) -> Vec<String> {
        self.scope.names_within(namespace)
    }

    fn spend(&self, bytes: usize) -> crate::error::Result<()> {
        self.scope.spend(bytes)
    }
}

/// The first guard that does not hold, as a failure with the message of the guard. In the message, a template that
/// names nothing stays. The values that guards read and the steps of their regular expressions count as work of the
/// slice.
pub(in crate::engine) fn check(
    guards: &[DataGuard],
    scope: &dyn Scope,
    engine: &Engine,
) -> Result<(), Failure> {
    let (mut failed, mut steps) = (None, 0);
    for guard in guards {
        let holds = holds(guard, scope, &engine.config, &mut steps);
        engine.add_copied(size(&guard.value));
        if !holds.map_err(|error| Failure::from(&error))? {
            failed = Some(guard);
            break;
        }
    }
    engine.add_copied(steps.saturating_mul(BYTES_PER_STEP));
    let Some(guard) = failed else { return Ok(()) };
    let message = if guard.message.is_empty() {
        format!("`{}` does not pass the check `{}`", guard.variable, guard.check.as_str())
    } else {
        let text = Value::from(guard.message.as_str());
        let filled = resolve(&text, scope, Mode::Lenient, Syntax::Braces);
        to_text(&filled.map_err(|error| Failure::from(&error))?)
    };
    Err(Failure::new(ErrorCode::GuardFailed, message))
}

/// Whether a guard holds. It is an error if a value is too large to be checked, or if a template in the guard's value
/// cannot be resolved.
fn holds(
    guard: &DataGuard,
    scope: &dyn Scope,
    config: &Config,
    steps: &mut usize,
) -> crate::error::Result<bool> {
    let (limits, path) = (&config.limits, reference(&guard.variable));
    let wanted = lend(&guard.value, scope, config.templates, Syntax::Braces)?;
    let wanted = wanted.as_ref();
    let value = match path.map(|path| lookup(&path, scope)) {
        Some(Ok(value)) => value,
        Some(Err(error)) if error.code() == ErrorCode::LimitExceeded => return Err(error),
        _ => return Ok(false),
    };
    Ok(match guard.check {
        GuardCheck::Exists => true,
        GuardCheck::NotNull => !value.is_null(),
        GuardCheck::Equals => equal(&value, wanted),
        GuardCheck::NotEquals => !equal(&value, wanted),
        GuardCheck::InRange => {
            let [least, most] = [0, 1].map(|at| wanted.get(at).unwrap_or(&Value::Null));
            let from = in_order(&value, least).is_some_and(Ordering::is_ge);
            from && in_order(&value, most).is_some_and(Ordering::is_le)
        }
        GuardCheck::MatchesRegex => {
            return matches(wanted.as_str().unwrap_or_default(), &text_of(&value), limits, steps);
        }
        GuardCheck::TypeCheck => is_type(&value, wanted.as_str().unwrap_or_default()),
        GuardCheck::InSet => wanted.as_array().is_some_and(|items| is_among(items, &value)),
    })
}

/// Bytes of one instruction of a regular expression, and the least and the most bytes of all instructions.
const INSTRUCTION_BYTES: usize = 4 * size_of::<usize>();
const LEAST_BYTES: usize = 256;
const MOST_BYTES: usize = 1_024 * 1_024;
/// The bytes of text that take about as long to match as the expression takes to prepare.
const PREPARING: usize = 64;
/// The work of a step of matching, in bytes.
const BYTES_PER_STEP: usize = 4;

/// Whether a text has a match. Matching takes as many steps for each byte as there are instructions. So their number is
/// limited by the length of the text and by the steps taken before.
fn matches(pattern: &str, text: &str, limits: &Limits, steps: &mut usize) -> crate::error::Result<bool> {
    limits.check(Limit::PatternBytes, pattern.len())?;
    let left = limits.get(Limit::PatternSteps).saturating_sub(*steps);
    let length = text.len() + PREPARING;
    let most = (left / length).saturating_mul(INSTRUCTION_BYTES).min(MOST_BYTES);
    // The number of instructions follows from the least memory into which the expression fits.
    let mut bytes = LEAST_BYTES.min(most);
    loop {
        match regex_lite::RegexBuilder::new(pattern).size_limit(bytes).build() {
            Ok(regex) => {
                *steps += (bytes / INSTRUCTION_BYTES).saturating_mul(length);
                return Ok(regex.is_match(text));
            }
            Err(error) if !error.to_string().contains("size limit") => return Ok(false),
            Err(_) if bytes == most => return Err(limits.exceeded(Limit::PatternSteps)),
            Err(_) => bytes = (bytes + bytes / 4).min(most),
        }
    }
}

/// The order of two values: numbers by size, moments by time, other text by its characters.
fn in_order(left: &Value, right: &Value) -> Option<Ordering> {
    let moment = |value: &Value| Moment::parse(value.as_str()?)?.millis();
    match (moment(left), moment(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => order(left, right),
    }
}

/// Whether a number is written as an integer, of any length.
fn is_integer(value: &Value) -> bool {
    matches!(value, Value::Number(number) if !number.as_str().contains(['.', 'e', 'E']))
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "string" | "str" => value.is_string(),
        "number" => value.is_number(),
        "int" | "integer" => is_integer(value),
        "float" => value.is_number() && !is_integer(value),
        "bool" | "boolean" => value.is_boolean(),
        "list" | "array" => value.is_array(),
        "dict" | "object" => value.is_object(),
        "null" | "none" => value.is_null(),
        _ => false,
    }
}
