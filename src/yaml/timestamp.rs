//! Dates and moments of YAML 1.1. JSON has no such type, so they become text in the form of Python's `isoformat`.

use crate::time::days_in_month;

/// Whether the regular expression of YAML 1.1 makes a bare word a timestamp.
pub(super) fn is_timestamp(text: &str) -> bool {
    // A date without a time must have all its digits.
    Timestamp::read(text).is_some_and(|timestamp| timestamp.time.is_some() || text.len() == 10)
}

/// `2025-01-01`, `2025-01-01T10:00:00`, `2025-01-01T10:00:00.500000+02:00`, with `Z` for UTC. `None` if there is no
/// such moment.
pub(super) fn to_iso(text: &str) -> Option<String> {
    Timestamp::read(text).filter(Timestamp::exists).map(|timestamp| timestamp.iso())
}

struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    time: Option<Time>,
}

struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
    /// Sign and minutes east of UTC.
    offset: Option<(char, u32)>,
}

impl Timestamp {
    fn read(text: &str) -> Option<Self> {
        let mut cursor = Cursor { rest: text };
        let year = cursor.field(4, 4)?;
        cursor.expect('-')?;
        let month = cursor.field(1, 2)?;
        cursor.expect('-')?;
        let day = cursor.field(1, 2)?;
        let time = if cursor.rest.is_empty() { None } else { Some(Time::read(&mut cursor)?) };
        cursor.rest.is_empty().then_some(Self { year, month, day, time })
    }

    fn exists(&self) -> bool {
        let (year, month, day) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let is_date =
            year > 0 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        is_date
            && self.time.as_ref().is_none_or(|time| {
                let is_offset = time.offset.is_none_or(|(_, minutes)| minutes < 24 * 60);
                time.hour < 24 && time.minute < 60 && time.second < 60 && is_offset
            })
    }

    fn iso(&self) -> String {
        let date = format!("{:04}-{:02}-{:02}", self.year, self.month, self.day);
        let Some(time) = &self.time else {
            return date;
        };
        let micros = if time.micros == 0 { String::new() } else { format!(".{:06}", time.micros) };
        let offset = match time.offset {
            None => String::new(),
            Some((_, 0)) => "Z".to_owned(),
            Some((sign, minutes)) => format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        };
        format!("{date}T{:02}:{:02}:{:02}{micros}{offset}", time.hour, time.minute, time.second)
    }
}

impl Time {
    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        if !cursor.take('T') && !cursor.take('t') && !cursor.blanks() {
            return None;
        }
        let hour = cursor.field(1, 2)?;
        cursor.expect(':')?;
        let minute = cursor.field(2, 2)?;
        cursor.expect(':')?;
        let second = cursor.field(2, 2)?;
        let fraction = if cursor.take('.') { cursor.digits(usize::MAX) } else { "" };
        let micros = fraction.chars().chain("000000".chars()).take(6).collect::<String>().parse().ok()?;
        let offset = if cursor.rest.is_empty() { None } else { Some(cursor.offset()?) };
        Some(Self { hour, minute, second, micros, offset })
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn offset(&mut self) -> Option<(char, u32)> {
        self.blanks();
        if self.take('Z') {
            return Some(('+', 0));
        }
        let sign = if self.take('-') { '-' } else { self.expect('+').map(|()| '+')? };
        let hours = self.field(1, 2)?;
        let minutes = if self.take(':') { self.field(2, 2)? } else { 0 };
        Some((sign, hours * 60 + minutes))
    }

    /// A number with `least` to `most` digits.
    fn field(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.digits(most);
        if digits.len() < least { None } else { digits.parse().ok() }
    }

    fn digits(&mut self, most: usize) -> &'a str {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at_checked(count).unwrap_or(("", self.rest));
        self.rest = rest;
        digits
    }

    fn blanks(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let found = rest.len() < self.rest.len();
        self.rest = rest;
        found
    }

    fn take(&mut self, char: char) -> bool {
        self.expect(char).is_some()
    }

    fn expect(&mut self, char: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(char)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_python_does() {
        for (text, iso) in [
            ("2025-01-01", "2025-01-01"),
            ("2025-1-2", "2025-01-02"),
            ("2025-01-01 10:00:00", "2025-01-01T10:00:00"),
            ("2025-1-1t1:02:03.", "2025-01-01T01:02:03"),
            ("2025-01-01T10:00:00.1234567Z", "2025-01-01T10:00:00.123456Z"),
            ("2025-01-01 \t10:00:00.5 +2", "2025-01-01T10:00:00.500000+02:00"),
            ("2025-01-01T10:00:00-05:30", "2025-01-01T10:00:00-05:30"),
            ("2025-01-01T10:00:00+01:99", "2025-01-01T10:00:00+02:39"),
            ("2025-01-01T10:00:00-00:00", "2025-01-01T10:00:00Z"),
            ("2024-02-29", "2024-02-29"),
        ] {
            assert_eq!(to_iso(text).as_deref(), Some(iso), "{text}");
        }
    }

    #[test]
    fn moments_that_do_not_exist_are_none() {
        for text in [
            "0000-01-01",
            "2025-02-29",
            "2025-00-01",
            "2025-01-32",
            "2025-01-01 24:00:00",
            "2025-01-01 10:60:00",
            "2025-01-01 10:00:60",
            "2025-01-01 10:00:00 +24",
            "2025-01-01T10:00",
            "2025-01-01T10:00:00+0100",
            "2025-01-01 ",
            "25-01-01",
            "é",
        ] {
            assert_eq!(to_iso(text), None, "{text}");
        }
    }
}
