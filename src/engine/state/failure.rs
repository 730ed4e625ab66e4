//! The failure of an attempt, a task or a run.

use crate::engine::config::cut::cut;
use crate::engine::config::secrets::{Search, Secrets};
use crate::engine::state::positions::CallId;
use crate::error::{Error, ErrorCode};
use crate::json::number::to_f64;
use crate::json::size_of_map;
use crate::time::{Millis, after};
use serde_json::{Map, Value};
use std::mem::take;

/// The longest code, message and help of a failure, in bytes each; the rest is cut off.
const LONGEST_TEXT: usize = 16 * 1_024;

/// The failure of an attempt, a task or a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// A stable code: one of [`ErrorCode`], or the tool's own.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What the user can do about it.
    pub help: Option<String>,
    /// Whether another attempt may succeed.
    pub retryable: bool,
    /// Further details: the limit that was exceeded, the `path` to the culprit in the task.
    pub details: Option<Box<Map<String, Value>>>,
    /// The least wait before the next attempt, in milliseconds. The journal has the moment of that attempt instead.
    pub retry_after: Option<Millis>,
    /// The most bytes of the message that are kept, after secrets are struck out.
    pub message_limit: Option<usize>,
}

/// A failed call while its failure and its result are searched for secrets.
#[derive(Debug)]
pub(in crate::engine) struct FailedCall {
    pub(in crate::engine) call: CallId,
    failure: Failure,
    search: Search,
}

impl FailedCall {
    pub(in crate::engine) fn new(call: CallId, mut failure: Failure, result: Option<Value>) -> Self {
        let details = failure.details.take().map(|details| Value::Object(*details));
        let texts = [
            take(&mut failure.message).into(),
            take(&mut failure.code).into(),
            failure.help.take().map_or(Value::Null, Value::from),
            details.unwrap_or_default(),
            Value::Array(result.into_iter().collect()),
        ];
        Self { call, failure, search: Search::new(texts.into_iter().collect()) }
    }

    /// Searches about this many further bytes. At the end of the search, it returns the failure and the result.
    pub(in crate::engine) fn search(
        &mut self,
        secrets: &Secrets,
        bytes: usize,
    ) -> Option<(Failure, Option<Value>)> {
        let Value::Array(texts) = self.search.search(secrets, bytes)? else { return None };
        let [message, code, help, details, result] = <[Value; 5]>::try_from(texts).ok()?;
        let text = |value| if let Value::String(text) = value { Some(text) } else { None };
        let mut failure = self.failure.clone();
        failure.message = text(message).unwrap_or_default();
        failure.code = text(code).unwrap_or_default();
        failure.help = text(help);
        failure.details = if let Value::Object(details) = details { Some(Box::new(details)) } else { None };
        let result = if let Value::Array(mut result) = result { result.pop() } else { None };
        Some((failure.cut_to_limit(), result))
    }
}

impl Failure {
    /// The failure, with its message cut to the limit of its tool.
    pub(in crate::engine) fn cut_to_limit(mut self) -> Self {
        if let Some(limit) = self.message_limit.take() {
            self.message = cut(self.message, limit);
        }
        self
    }

    /// A failure with one of this package's codes.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        // With the same arguments on the same machine, these fail in the same way again.
        let retryable = !matches!(
            code,
            ErrorCode::ToolNotRegistered
                | ErrorCode::ToolUnavailable
                | ErrorCode::ToolArgumentsInvalid
                | ErrorCode::TemplateUnresolved
                | ErrorCode::TemplateInvalid
                | ErrorCode::ValueNotJson
                | ErrorCode::LimitExceeded
        );
        Self {
            code: code.as_str().into(),
            message: message.into(),
            help: None,
            retryable,
            details: None,
            retry_after: None,
            message_limit: None,
        }
    }

    /// Reads `{code?, message?, help?, retryable?, retryAfter?, messageLimit?}` from a tool's host; `retryAfter` is in
    /// seconds, `messageLimit` in bytes.
    pub fn from_json(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let code = text("code").unwrap_or(ErrorCode::ToolFailed.as_str());
        let mut failure = Self::new(
            ErrorCode::of_word(code).unwrap_or(ErrorCode::ToolFailed),
            text("message").unwrap_or("the tool failed"),
        );
        failure.code = code.into();
        failure.help = text("help").map(str::to_owned);
        failure.details = value.get("details").and_then(Value::as_object).cloned().map(Box::new);
        if let Some(retryable) = value.get("retryable").and_then(Value::as_bool) {
            failure.retryable = retryable;
        }
        failure.message_limit =
            value.get("messageLimit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        failure.retry_after = value.get("retryAfter").and_then(to_f64).map(|seconds| after(0, seconds));
        failure
    }

    /// Cuts texts that are too long to be kept with every attempt.
    pub(in crate::engine) fn shorten(&mut self) {
        for text in [&mut self.code, &mut self.message].into_iter().chain(&mut self.help) {
            *text = cut(std::mem::take(text), LONGEST_TEXT);
        }
        self.details.take_if(|details| size_of_map(details) > LONGEST_TEXT);
    }

    /// The bytes of its texts.
    pub(in crate::engine) fn size(&self) -> usize {
        let help = self.help.as_ref().map_or(0, String::len);
        self.code.len() + self.message.len() + help + self.details.as_deref().map_or(0, size_of_map)
    }

    /// Keeps the code and the start of the message, at most this many bytes together.
    pub(in crate::engine) fn cut_to(&mut self, limit: usize) {
        (self.help, self.details) = (None, None);
        self.code = cut(std::mem::take(&mut self.code), limit / 2);
        self.message = cut(std::mem::take(&mut self.message), limit - self.code.len());
    }

    /// `{code, message, help?, details?}`.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("code".into(), self.code.as_str().into());
        map.insert("message".into(), self.message.as_str().into());
        if let Some(help) = &self.help {
            map.insert("help".into(), help.as_str().into());
        }
        if let Some(details) = &self.details {
            map.insert("details".into(), Value::Object((**details).clone()));
        }
        Value::Object(map)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let is_limit = error.code() == ErrorCode::LimitExceeded;
        let mut details = if is_limit { error.details().clone() } else { Map::new() };
        if let Some(path) = error.path() {
            details.insert("path".into(), path.into());
        }
        Self {
            help: error.help().map(str::to_owned),
            details: (!details.is_empty()).then(|| Box::new(details)),
            ..Self::new(error.code(), error.message())
        }
    }
}
