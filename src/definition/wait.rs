//! What a wait waits for. It stays the text of the document; [`WaitFor::until`] says what the text means.

use super::duration::{Duration, parse_iso};
use super::fields::{Field, Reader};
use super::moment::Moment;
use crate::error::ErrorCode;
use crate::json::JsonWriter;
use crate::json::number::parse_f64;
use serde_json::Value;

/// What a wait waits for, as text in Highway's own form.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WaitFor(String);

/// The meaning of [`WaitFor`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// A time, counted from the start of the wait.
    Duration(Duration),
    /// A moment.
    Moment(Moment),
    /// Any other text: a template, or a form that only a server knows.
    Text,
}

impl WaitFor {
    /// The text in the document.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the text means. Upstream knows only durations that start with `PT`; this reads all of ISO 8601.
    pub fn until(&self) -> Until {
        if let Some(duration) = parse_iso(&self.0).and_then(Duration::from_f64) {
            return Until::Duration(duration);
        }
        Moment::parse(&self.0).map_or(Until::Text, Until::Moment)
    }

    fn of_duration(duration: Duration) -> Self {
        Self(duration.to_string())
    }

    /// Reads text by Highway's rules: a duration that starts with `PT` takes its normal form. All other text stays as
    /// it is, other durations included.
    fn of_text(text: &str, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(seconds) = text.strip_prefix("duration:") {
            let number = seconds.split(':').next().unwrap_or(seconds);
            let duration = parse_f64(number.trim()).and_then(Duration::from_f64);
            if duration.is_none() {
                reader.error(ErrorCode::FieldValueInvalid, format!("`{number}` is not a number of seconds"));
            }
            return duration.map(Self::of_duration);
        }
        if let Some(rest) = text.strip_prefix("datetime:") {
            let moment = Moment::parse(rest);
            if moment.is_none() {
                reader.error(ErrorCode::FieldValueInvalid, format!("`{rest}` is not a date or a time"));
            }
            return moment.map(|moment| Self(moment.as_str().to_owned()));
        }
        if text.starts_with("PT")
            && let Some(duration) = parse_iso(text).and_then(Duration::from_f64)
        {
            return Some(Self::of_duration(duration));
        }
        let moment = Moment::parse(text).map(|moment| moment.as_str().to_owned());
        Some(Self(moment.unwrap_or_else(|| text.to_owned())))
    }
}

impl Field for WaitFor {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        match value {
            Value::String(text) => Self::of_text(text, reader),
            Value::Number(_) | Value::Object(_) => Duration::read(value, reader).map(Self::of_duration),
            Value::Bool(flag) => Some(Self::of_duration(Duration::from_seconds(i64::from(*flag)))),
            other => {
                reader.wrong_type("seconds, a duration or a moment", other);
                reader.help("give seconds, `PT30S` or `2030-01-01T00:00:00Z`");
                None
            }
        }
    }

    fn write(&self, out: &mut JsonWriter) {
        out.text(&self.0);
    }
}
