//! A date and time as text, with or without an offset, in the form Highway writes.

use super::fields::{Field, Reader};
use crate::json::JsonWriter;
use crate::time::{self, Millis};
use serde_json::Value;
use std::fmt::Write as _;

/// A date and time: `2030-01-31T12:00:00Z`. Text without an offset stays without one; the engine reads it as UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment(String);

impl Moment {
    /// Reads ISO 8601 text: a date (`2030-01-31`, `20300131`, `2030-W05-4`), then optionally any one character and a
    /// time (`12`, `12:00`, `120000.5`), with or without an offset.
    ///
    /// ```
    /// use highway_wasm::definition::Moment;
    ///
    /// assert_eq!(Moment::parse("20300131").unwrap().as_str(), "2030-01-31T00:00:00");
    /// assert_eq!(Moment::parse("2030-W05-4 12:00+00:00").unwrap().as_str(), "2030-01-31T12:00:00Z");
    /// assert_eq!(Moment::parse("tomorrow"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (days, rest) = date(text)?;
        let (year, month, day) = time::civil_from_days(days);
        let mut out = format!("{year:04}-{month:02}-{day:02}T");
        let mut rest = rest.chars();
        match rest.next() {
            None => out.push_str("00:00:00"),
            Some(_) => push_clock(&mut out, rest.as_str())?,
        }
        Some(Self(out))
    }

    /// The text in Highway's form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Milliseconds since the start of 1970; text without an offset counts as UTC. `None` before 1970.
    pub fn millis(&self) -> Option<Millis> {
        time::parse_iso(&self.0)
    }
}

/// The date in front as days since 1970-01-01, and the text after it.
fn date(text: &str) -> Option<(i64, &str)> {
    let year = number(text, 0, 4).filter(|year| *year > 0)?;
    let dash = text.get(4..5)? == "-";
    let at = if dash { 5 } else { 4 };
    if text.get(at..=at)? == "W" {
        let week = number(text, at + 1, 2)?;
        let day_at = at + 3;
        let day_at = if dash && text.get(day_at..=day_at) == Some("-") { day_at + 1 } else { day_at };
        let (day, end) = number(text, day_at, 1).map_or((1, at + 3), |day| (day, day_at + 1));
        let valid = (1..=53).contains(&week) && (1..=7).contains(&day);
        return Some((valid.then(|| time::days_from_week(year, week, day))?, text.get(end..)?));
    }
    let month = number(text, at, 2)?;
    let day_at = if dash { 8 } else { 6 };
    if dash && text.get(7..8)? != "-" {
        return None;
    }
    let day = number(text, day_at, 2)?;
    Some((time::days_from_date(year, month, day)?, text.get(day_at + 2..)?))
}

/// Writes the time of day and the offset in their normal form.
fn push_clock(out: &mut String, text: &str) -> Option<()> {
    let split = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, offset) = text.split_at_checked(split)?;
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let (hour, minute, second) = clock_parts(clock)?;
    // Writing to text cannot fail.
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}");
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    if micros != "000000" {
        out.push('.');
        out.push_str(&micros);
    }
    match offset {
        "" => {}
        "Z" => out.push('Z'),
        signed => {
            // Highway does not write the seconds of an offset.
            let (hours, minutes, _) = clock_parts(signed.get(1..)?)?;
            if (hours, minutes) == (0, 0) {
                out.push('Z');
            } else {
                out.push_str(signed.get(..1)?);
                let _ = write!(out, "{hours:02}:{minutes:02}");
            }
        }
    }
    Some(())
}

/// Hours, minutes and seconds of `HH`, `HH:MM`, `HH:MM:SS` or the same without colons.
fn clock_parts(text: &str) -> Option<(i64, i64, i64)> {
    let compact: String = if text.contains(':') {
        if text.split(':').any(|part| part.len() != 2) {
            return None;
        }
        text.replace(':', "")
    } else {
        text.to_owned()
    };
    let part = |at: usize| if at < compact.len() { number(&compact, at, 2) } else { Some(0) };
    let parts = (number(&compact, 0, 2)?, part(2)?, part(4)?);
    (compact.len() <= 6 && parts.0 < 24 && parts.1 < 60 && parts.2 < 60).then_some(parts)
}

/// The number of `length` digits at the byte `at`.
fn number(text: &str, at: usize, length: usize) -> Option<i64> {
    let digits = text.get(at..at + length)?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// The moment `micros` microseconds after the start of 1970.
fn of_micros(micros: i64) -> Moment {
    const SECOND: i64 = 1_000_000;
    const DAY: i64 = 86_400 * SECOND;
    let (year, month, day) = time::civil_from_days(micros.div_euclid(DAY));
    let in_day = micros.rem_euclid(DAY);
    let (seconds, fraction) = (in_day / SECOND, in_day % SECOND);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    Moment(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// The moment of a number: seconds since 1970, or milliseconds if seconds would lie beyond the year 9999, as in
/// pydantic.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn of_epoch(digits: &str) -> Option<Moment> {
    const MOST_SECONDS: f64 = 2e10;
    /// The end of the year 9999, in microseconds since 1970.
    const LAST_MICROS: f64 = 253_402_300_800e6;
    let epoch = crate::json::number::parse_f64(digits)?;
    let micros = (epoch * if epoch.abs() > MOST_SECONDS { 1e3 } else { 1e6 }).round();
    (micros.abs() < LAST_MICROS).then(|| of_micros(micros as i64))
}

/// The start of a schedule. Text that is a number counts seconds since 1970.
impl Field for Moment {
    fn read<'a>(value: &'a Value, reader: &mut Reader<'a>) -> Option<Self> {
        let read = match value {
            Value::String(text) => {
                let text = text.trim();
                of_epoch(text).or_else(|| Self::parse(&text.replace('z', "Z")))
            }
            Value::Number(digits) => of_epoch(digits.as_str()),
            _ => None,
        };
        if read.is_none() {
            reader.wrong_type("a date and time", value);
            reader.help("write it as `2030-01-31T12:00:00Z`");
        }
        read
    }

    fn write(&self, out: &mut JsonWriter) {
        out.text(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_reads() {
        for (text, expected) in [
            ("2025-01-01", "2025-01-01T00:00:00"),
            ("20250101", "2025-01-01T00:00:00"),
            ("2025-W01-1", "2024-12-30T00:00:00"),
            ("2025W011", "2024-12-30T00:00:00"),
            ("2025-W01", "2024-12-30T00:00:00"),
            ("2025-01-02T03:04:05+00:00", "2025-01-02T03:04:05Z"),
            ("2025-01-02T03:04:05.678900", "2025-01-02T03:04:05.678900"),
            ("2025-01-02 030405-0530", "2025-01-02T03:04:05-05:30"),
            ("2025-01-02T03:04:05.6789", "2025-01-02T03:04:05.678900"),
            ("1825-01-02T03Z", "1825-01-02T03:00:00Z"),
            ("1970-01-01T00:00:00-000030", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(Moment::parse(text).as_ref().map(Moment::as_str), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_other_text() {
        for text in [
            "",
            "2025",
            "2025-13-01",
            "2025-02-30",
            "2025-1-1",
            "10:00",
            "{{x}}",
            "2025-01-01T",
            "2025-01-01T25",
            "2025-01-01T1:00",
            "2025-W54-1",
            "2025-01-01T10:00x",
            "é025-01-01",
            "2025-01-01T10:00:00.x",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
