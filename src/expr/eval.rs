//! Evaluates a condition in the scope of a run.

use super::compare::{contains, equal, is_true, order};
use super::{Comparison, Expr};
use crate::error::{Error, ErrorCode, Result};
use crate::json::number::from_digits;
use crate::json::{kind_of, size, to_text};
use crate::template::{Mode, Scope, Syntax, lookup, resolve};
use serde_json::Value;
use std::borrow::Cow;

/// Whether a condition holds. An unknown bare word is an error if the condition reads its truth, since as text it would
/// always be true.
///
/// # Errors
///
/// `TEMPLATE_UNRESOLVED` and `TEMPLATE_INVALID` as for other templates (`mode` means the same). `CONDITION_INVALID` if
/// two values have no order, or if a value cannot contain anything.
///
/// ```
/// use highway_wasm::expr::{holds, parse};
/// use highway_wasm::template::{Mode, Named, Scope};
/// use serde_json::json;
/// use std::borrow::Cow;
///
/// struct Results;
/// impl Scope for Results {
///     fn lookup(&self, name: &str) -> Option<Named<'_>> {
///         (name == "status").then(|| Named::Value(Cow::Owned(json!({"stdout": "200\n"}))))
///     }
///     fn names(&self) -> Vec<String> {
///         vec!["status".into()]
///     }
/// }
/// let condition = parse("{{status.stdout}} == 200 and {{status.stdout}} < 1e3").unwrap();
/// assert_eq!(holds(&condition, &Results, Mode::Strict), Ok(true));
/// ```
pub fn holds(expr: &Expr, scope: &dyn Scope, mode: Mode) -> Result<bool> {
    Evaluation { scope, mode }.holds(expr)
}

/// The value of a condition: a boolean for comparisons and logic, else the value of the operand.
///
/// # Errors
///
/// The errors of [`holds`].
pub fn eval(expr: &Expr, scope: &dyn Scope, mode: Mode) -> Result<Value> {
    Evaluation { scope, mode }.value(expr).map(Cow::into_owned)
}

/// The cost of one term of a condition, in bytes of a value that take about as long to read.
const TERM: usize = 128;

struct Evaluation<'a> {
    scope: &'a dyn Scope,
    mode: Mode,
}

impl<'a> Evaluation<'a> {
    fn holds(&self, expr: &'a Expr) -> Result<bool> {
        self.scope.spend(TERM)?;
        match expr {
            Expr::Not(inner) => Ok(!self.holds(inner)?),
            Expr::All(items) => self.first_that_is(false, items).map(|found| !found),
            Expr::Any(items) => self.first_that_is(true, items),
            Expr::Compare(first, links) => self.chain(first, links),
            Expr::Word { path, .. } => Ok(is_true(lookup(path, self.scope)?.as_ref())),
            operand => Ok(is_true(self.value(operand)?.as_ref())),
        }
    }

    /// Whether any item has the truth value `wanted`. Items after the first such one are not evaluated.
    fn first_that_is(&self, wanted: bool, items: &'a [Expr]) -> Result<bool> {
        for item in items {
            if self.holds(item)? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn value(&self, expr: &'a Expr) -> Result<Cow<'a, Value>> {
        self.scope.spend(TERM)?;
        Ok(match expr {
            Expr::Literal(value) => {
                self.scope.spend(size(value))?;
                Cow::Borrowed(value)
            }
            Expr::Text(text) => {
                self.scope.spend(text.len())?;
                let whole = Value::String(text.clone());
                let filled = resolve(&whole, self.scope, self.mode, Syntax::BracesAndDollar)?;
                Cow::Owned(if filled.is_string() { filled } else { Value::String(to_text(&filled)) })
            }
            Expr::Template(path) => match lookup(path, self.scope) {
                Err(error) if self.mode == Mode::Lenient && error.code() == ErrorCode::TemplateUnresolved => {
                    Cow::Owned(Value::String(format!("{{{{{path}}}}}")))
                }
                found => found?,
            },
            Expr::Word { path, text } => match self.scope.lookup(&path.root) {
                None => Cow::Owned(Value::String(text.clone())),
                Some(_) => lookup(path, self.scope)?,
            },
            Expr::List(items) => {
                let items = items.iter().map(|item| self.value(item).map(Cow::into_owned));
                Cow::Owned(Value::Array(items.collect::<Result<_>>()?))
            }
            Expr::Negate(inner) => Cow::Owned(self.negated(inner)?),
            logic => Cow::Owned(Value::Bool(self.holds(logic)?)),
        })
    }

    fn negated(&self, inner: &'a Expr) -> Result<Value> {
        let value = self.value(inner)?;
        let Value::Number(number) = value.as_ref() else {
            return Err(invalid(
                format!("{} cannot be negated", subject(inner, &value)),
                "only a number can",
            ));
        };
        let digits = number.as_str();
        let negated = digits.strip_prefix('-').map_or_else(|| format!("-{digits}"), str::to_owned);
        Ok(Value::Number(from_digits(negated)))
    }

    fn chain(&self, first: &'a Expr, links: &'a [(Comparison, Expr)]) -> Result<bool> {
        let mut left = (first, self.value(first)?);
        for (comparison, operand) in links {
            let right = (operand, self.value(operand)?);
            if !self.compare(*comparison, &left, &right)? {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }

    fn compare(&self, comparison: Comparison, left: &Operand<'_>, right: &Operand<'_>) -> Result<bool> {
        match comparison {
            Comparison::In | Comparison::NotIn => self.look_through(&right.1, &left.1)?,
            Comparison::Contains => self.look_through(&left.1, &right.1)?,
            _ => {}
        }
        compare(comparison, left, right)
    }

    /// Spends the cost of comparing a list or an object with each item of a list.
    fn look_through(&self, container: &Value, item: &Value) -> Result<()> {
        match (container, item) {
            (Value::Array(items), Value::Array(_) | Value::Object(_)) => {
                self.scope.spend(items.len().saturating_mul(size(item)))
            }
            _ => Ok(()),
        }
    }
}

/// An operand of a comparison as written, and its value.
type Operand<'a> = (&'a Expr, Cow<'a, Value>);

fn compare(comparison: Comparison, left: &Operand<'_>, right: &Operand<'_>) -> Result<bool> {
    let ordered = || {
        order(&left.1, &right.1).ok_or_else(|| {
            let (left, right) = (subject(left.0, &left.1), subject(right.0, &right.1));
            invalid(
                format!("{left} and {right} cannot be ordered by `{}`", comparison.as_str()),
                "numbers are ordered, and text that is a number; `==` compares everything",
            )
        })
    };
    let inside = |container: &Operand<'_>, item: &Operand<'_>| {
        contains(&container.1, &item.1).ok_or_else(|| {
            let (container, item) = (subject(container.0, &container.1), subject(item.0, &item.1));
            invalid(
                format!("{container} cannot contain {item}"),
                "a list contains values, an object keys, text parts of itself",
            )
        })
    };
    match comparison {
        Comparison::Equal => Ok(equal(&left.1, &right.1)),
        Comparison::NotEqual => Ok(!equal(&left.1, &right.1)),
        Comparison::Less => Ok(ordered()?.is_lt()),
        Comparison::LessOrEqual => Ok(ordered()?.is_le()),
        Comparison::Greater => Ok(ordered()?.is_gt()),
        Comparison::GreaterOrEqual => Ok(ordered()?.is_ge()),
        Comparison::In => inside(right, left),
        Comparison::NotIn => Ok(!inside(right, left)?),
        Comparison::Contains => inside(left, right),
    }
}

/// An operand in a message: its source and its type, but not its value, which may be a secret.
fn subject(expr: &Expr, value: &Value) -> String {
    let kind = kind_of(value);
    match expr {
        Expr::Template(path) => format!("`{{{{{path}}}}}` ({kind})"),
        Expr::Word { text, .. } => format!("`{text}` ({kind})"),
        _ => kind.to_owned(),
    }
}

fn invalid(message: String, help: &str) -> Error {
    Error::new(ErrorCode::ConditionInvalid, message).with_help(help)
}
