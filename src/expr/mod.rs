//! Condition expressions: `{{fetch.status_code}} == 200 and not {{done}}`.
//!
//! A condition is parsed as written, with its templates as operands. The value of a template is never pasted into the
//! text, so quotes and operators in data change nothing.
//!
//! | | |
//! | --- | --- |
//! | operands | `{{path}}`, `${path}`, `'text'`, `"text"`, numbers, `true`, `false`, `null`, `none` in any case, `[lists]` |
//! | bare words | the value of that path; text if its first name is unknown, so that `{{a.state}} == failed` works |
//! | comparisons | `==` `!=` `<` `<=` `>` `>=` `in` `not in` `contains` `is` `is not`, and `contains(list, item)`; `1 < x < 5` is a chain |
//! | logic | `not`, then `and`, then `or`; parentheses |
//!
//! Values of different types are compared loosely (`compare.rs`): text with a number as a number, a boolean with a
//! number as 0 or 1, text with a boolean as a word. One line break at the end of text is ignored, since the output of
//! commands ends with one. Templates inside quotes are replaced and give text.
//!
//! # Differences from what is known of Highway's own evaluators
//!
//! `tests/expr/tables.rs` compares every row of both truth tables (`tests/vectors/legacy-engine`) with these rules and
//! lists each row that differs.
//!
//! | | here | `highway_core` 0.2.1 | stabilize 0.33.1 |
//! | --- | --- | --- | --- |
//! | `'200' == 200`, `'1' < 2` | as numbers | false | false, error |
//! | chains | all links | the first alone | all links |
//! | `true` in lower case, `in`, lists, `is` | work | false | work |
//! | unknown bare word | text; an error as a truth value | false | null |
//! | a text or a comparison without meaning | an error | false | an error |
//! | `a if b else c`, `(1, 2)` | refused | false | work |
//! | `+1` | 1 | 1 | an error |
//!
//! One rule departs from the collected rules: two texts are *ordered* as numbers if both are numbers (`'9' < '10'`).
//! The output of commands is always text, and Highway in production pastes it into the condition and so compares
//! numbers.

#[cfg(feature = "engine")]
mod compare;
#[cfg(feature = "engine")]
mod eval;
mod lex;
mod parse;

#[cfg(feature = "engine")]
pub(crate) use compare::is_among;
#[cfg(feature = "engine")]
pub use compare::{contains, equal, is_true, order};
#[cfg(feature = "engine")]
pub use eval::{eval, holds};
pub use parse::parse;

use crate::error::{Error, ErrorCode};
use crate::template::{Path, Syntax, paths};
use serde_json::Value;

/// A parsed condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number, a boolean or null.
    Literal(Value),
    /// Quoted text; templates in it are replaced.
    Text(String),
    /// `{{path}}`.
    Template(Path),
    /// A bare word: a path, or text if its first name is unknown.
    Word {
        /// The word read as a path.
        path: Path,
        /// The word as written.
        text: String,
    },
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `-a`.
    Negate(Box<Expr>),
    /// `not a`.
    Not(Box<Expr>),
    /// `a and b`.
    All(Vec<Expr>),
    /// `a or b`.
    Any(Vec<Expr>),
    /// `a < b <= c`: a chain of links, all of which must hold.
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`, `is`.
    Equal,
    /// `!=`, `is not`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `a in b`.
    In,
    /// `a not in b`.
    NotIn,
    /// `a contains b`, `contains(a, b)`.
    Contains,
}

/// A name to which a condition refers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The path to the value; its `root` is the name that must be known.
    pub path: Path,
    /// Whether it is a bare word, which is text if its first name is unknown.
    pub is_bare: bool,
}

/// Why a text is not a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// What is wrong: lower case, no full stop, user input in backticks.
    pub message: String,
    /// The place of the fault, in bytes from the start of the text.
    pub offset: usize,
    /// What the user can do about it.
    pub help: Option<String>,
}

impl Expr {
    /// All names to which the condition refers, in order, templates inside quotes included.
    ///
    /// ```
    /// use highway_wasm::expr::parse;
    ///
    /// let condition = parse("{{fetch.code}} == 200 and done or 'on {{inputs.day}}' in days").unwrap();
    /// let roots: Vec<String> = condition.paths().into_iter().map(|found| found.path.root).collect();
    /// assert_eq!(roots, ["fetch", "done", "inputs", "days"]);
    /// ```
    pub fn paths(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        self.collect_paths(&mut found);
        found
    }

    /// The bare words whose truth the condition reads. Each must name something.
    ///
    /// ```
    /// use highway_wasm::expr::parse;
    ///
    /// let condition = parse("approved and not (done or {{a.x}} == other)").unwrap();
    /// let roots: Vec<&str> = condition.truths().into_iter().map(|path| path.root.as_str()).collect();
    /// assert_eq!(roots, ["approved", "done"]);
    /// ```
    pub fn truths(&self) -> Vec<&Path> {
        match self {
            Self::Word { path, .. } => vec![path],
            Self::Not(inner) => inner.truths(),
            Self::All(items) | Self::Any(items) => items.iter().flat_map(Self::truths).collect(),
            _ => Vec::new(),
        }
    }

    fn collect_paths(&self, found: &mut Vec<Reference>) {
        match self {
            Self::Literal(_) => {}
            Self::Text(text) => {
                let inside = paths(text, Syntax::BracesAndDollar).into_iter();
                found.extend(inside.map(|path| Reference { path, is_bare: false }));
            }
            Self::Template(path) => found.push(Reference { path: path.clone(), is_bare: false }),
            Self::Word { path, .. } => found.push(Reference { path: path.clone(), is_bare: true }),
            Self::Negate(inner) | Self::Not(inner) => inner.collect_paths(found),
            Self::List(items) | Self::All(items) | Self::Any(items) => {
                for item in items {
                    item.collect_paths(found);
                }
            }
            Self::Compare(first, links) => {
                first.collect_paths(found);
                for (_, operand) in links {
                    operand.collect_paths(found);
                }
            }
        }
    }
}

impl Comparison {
    /// The comparison as a condition spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Contains => "contains",
        }
    }
}

impl From<ExprError> for Error {
    /// The error `CONDITION_INVALID` with the detail `offset`.
    fn from(error: ExprError) -> Self {
        Self::new(ErrorCode::ConditionInvalid, error.message)
            .with_any_help(error.help)
            .with_detail("offset", error.offset)
    }
}
