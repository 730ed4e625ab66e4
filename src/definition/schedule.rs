//! Schedules: cron text of five fields, its `@` names, and `@every` with a duration such as `90s` or `1h30m`. Cron is
//! read in UTC, or in the time zone of a leading `CRON_TZ=`.

use crate::error::{Error, ErrorCode, Result};
use crate::text::joined;

/// When a workflow starts by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// A calendar rule.
    Cron(Cron),
    /// An interval in seconds, at least 1.
    Every(u64),
}

/// A cron expression: minute, hour, day of month, month, day of week. Each field is a set with one bit for each allowed
/// value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    /// Allowed minutes, 0–59.
    pub minutes: u64,
    /// Allowed hours, 0–23.
    pub hours: u64,
    /// Allowed days of the month, 1–31.
    pub days: u64,
    /// Allowed months, 1–12.
    pub months: u64,
    /// Allowed days of the week, 0–6 from Sunday.
    pub weekdays: u64,
    /// Whether both day fields are restricted. Then a day needs to match only one of them, as cron has it.
    pub either_day: bool,
    /// Whether the minute or the hour has a `*`. Such a rule fires in both hours when the clocks repeat one, as cron
    /// has it.
    pub is_frequent: bool,
    /// The time zone of the rule, such as `Europe/Berlin`; `None` for UTC.
    pub zone: Option<String>,
}

struct Field {
    name: &'static str,
    low: u8,
    high: u8,
    names: &'static [&'static str],
}

/// The longest schedule, in bytes. One that lists all minutes, hours, days, months and weekdays has 400.
const LONGEST: usize = 1_000;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: &MONTHS },
    // Both 0 and 7 are Sunday.
    Field { name: "day of week", low: 0, high: 7, names: &WEEKDAYS },
];
const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const LONGEST_MONTH: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const CRON_HELP: &str =
    "write cron as `minute hour day-of-month month day-of-week`, for example `0 2 * * *`, or `@every 90s`";

impl Schedule {
    /// Reads the text of a schedule.
    ///
    /// # Errors
    ///
    /// `SCHEDULE_INVALID` if the text is neither cron nor `@every`, or could never fire.
    ///
    /// ```
    /// use highway_wasm::definition::schedule::Schedule;
    ///
    /// assert!(Schedule::parse("*/15 8-18 * * mon-fri").is_ok());
    /// assert!(Schedule::parse("CRON_TZ=Europe/Berlin 0 8 * * *").is_ok());
    /// assert_eq!(Schedule::parse("@every 90s").unwrap(), Schedule::Every(90));
    /// assert_eq!(Schedule::parse("@every 1h30m").unwrap(), Schedule::Every(5400));
    /// assert!(Schedule::parse("0 0 30 2 *").is_err()); // there is no 30 February
    /// assert!(Schedule::parse(&format!("{}1 * * * *", "1,".repeat(500))).is_err()); // longer than 1,000 bytes
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > LONGEST {
            return Err(Error::new(ErrorCode::ScheduleInvalid, "the schedule is longer than 1,000 bytes"));
        }
        let trimmed = text.trim();
        if let Some(interval) = trimmed.strip_prefix("@every ") {
            return parse_interval(interval.trim()).map(Self::Every).map_err(|(reason, help)| {
                Error::new(ErrorCode::ScheduleInvalid, format!("schedule `{text}` {reason}")).with_help(help)
            });
        }
        let zoned = trimmed.strip_prefix("CRON_TZ=").or_else(|| trimmed.strip_prefix("TZ="));
        let zone = zoned.and_then(|zoned| zoned.split_once([' ', '\t']));
        let rule = zone.map_or(trimmed, |(_, rule)| rule.trim());
        let expression = ALIASES.iter().find(|(alias, _)| *alias == rule);
        let parts: Vec<&str> =
            expression.map_or(rule, |(_, expression)| expression).split_whitespace().collect();
        if parts.len() != FIELDS.len() {
            return Err(wrong_fields(text, &parts));
        }
        let cron = Cron::parse(text, &parts)?;
        Ok(Self::Cron(Cron { zone: zone.map(|(zone, _)| zone.to_owned()), ..cron }))
    }
}

/// The error for text that does not have five fields.
fn wrong_fields(text: &str, parts: &[&str]) -> Error {
    let is_zone = |part: &&str| {
        let city = part.split_once('/').map_or("", |(_, city)| city);
        part.contains('=') || city.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    let is_alias = parts.first().is_some_and(|first| first.starts_with('@'));
    let help = if text.contains('=') && parts.contains(&"@every") {
        "`@every` takes no time zone: it counts from one start to the next".to_owned()
    } else if parts.iter().any(is_zone) {
        "write the time zone in front: `CRON_TZ=Europe/Berlin 0 2 * * *`".to_owned()
    } else if is_alias {
        let names = ALIASES.map(|(alias, _)| format!("`{alias}`"));
        format!("known are {} and `@every 90s`", joined(&names, ", "))
    } else if parse_interval(text.trim()).is_ok() {
        format!("write `@every {}` for an interval", text.trim())
    } else if parts.len() == 6 {
        "seconds are not supported: leave the first field out, or write `@every 30s`".to_owned()
    } else {
        CRON_HELP.to_owned()
    };
    let message = match parts.len() {
        _ if is_alias => format!("schedule `{text}` is not known"),
        1 => format!("schedule `{text}` has 1 field where cron has 5"),
        count => format!("schedule `{text}` has {count} fields where cron has 5"),
    };
    Error::new(ErrorCode::ScheduleInvalid, message).with_help(help)
}

/// Seconds of a duration in hours, minutes and seconds. The error is the fault and the advice.
fn parse_interval(text: &str) -> std::result::Result<u64, (&'static str, &'static str)> {
    const EXAMPLE: &str = "write whole hours, minutes and seconds: `@every 1h30m`, `@every 90s`";
    let unreadable = ("has no interval that can be read", EXAMPLE);
    let (mut seconds, mut rest) = (0_u64, text);
    if rest.is_empty() {
        return Err(unreadable);
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(unreadable)?;
        let (digits, after) = rest.split_at_checked(end).ok_or(unreadable)?;
        let mut after = after.chars();
        let unit = match after.next() {
            Some('h') => 3_600,
            Some('m') => 60,
            Some('s') => 1,
            Some('-') if rest == text => return Err(("never fires", "an interval is at least one second")),
            _ => return Err(unreadable),
        };
        rest = after.as_str();
        let part = digits.parse::<u64>().ok().and_then(|amount| amount.checked_mul(unit));
        seconds = part.and_then(|part| seconds.checked_add(part)).ok_or(unreadable)?;
    }
    if seconds == 0 {
        return Err(("never fires", "an interval is at least one second"));
    }
    Ok(seconds)
}

impl Cron {
    /// Reads the five fields of `text`.
    fn parse(text: &str, parts: &[&str]) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorCode::ScheduleInvalid, message).with_help(CRON_HELP);
        let mut sets = [0_u64; 5];
        for ((part, field), set) in parts.iter().zip(&FIELDS).zip(&mut sets) {
            *set = field.parse(part).map_err(|reason| {
                invalid(format!("`{part}` is not a valid {} in schedule `{text}`: {reason}", field.name))
            })?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let is_star = |part: Option<&&str>| part.is_some_and(|part| part.starts_with(['*', '?']));
        let restricted = |part| !is_star(part);
        let cron = Self {
            minutes,
            hours,
            days,
            months,
            weekdays: (weekdays | (weekdays >> 7)) & 0x7f,
            either_day: restricted(parts.get(2)) && restricted(parts.get(4)),
            is_frequent: is_star(parts.first()) || is_star(parts.get(1)),
            zone: None,
        };
        if !cron.can_fire() {
            let message = format!("schedule `{text}` never fires: none of its months has such a day");
            return Err(Error::new(ErrorCode::ScheduleInvalid, message)
                .with_help("name a day that one of the months has"));
        }
        Ok(cron)
    }

    /// Whether any allowed month has any allowed day.
    fn can_fire(&self) -> bool {
        self.either_day
            || (1_u8..=12)
                .zip(LONGEST_MONTH)
                .any(|(month, length)| bit(self.months, month) && (1..=length).any(|day| bit(self.days, day)))
    }
}

/// Whether the set has the bit `index`.
pub(super) const fn bit(set: u64, index: u8) -> bool {
    set & (1 << index) != 0
}

impl Field {
    /// The set that one field allows: a comma-separated list of `*` or `?`, values, names and `a-b`, each with an
    /// optional `/step`.
    fn parse(&self, text: &str) -> std::result::Result<u64, String> {
        // Without a named end, a week ends with Saturday.
        let last = if self.high == 7 { 6 } else { self.high };
        let mut set = 0;
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => {
                    let step = digits(step).filter(|step| *step > 0);
                    (range, Some(step.ok_or("the step is not a whole number above 0")?))
                }
                None => (item, None),
            };
            let (low, high) = if matches!(range, "*" | "?") {
                (self.low, last)
            } else if let Some((low, high)) = range.split_once('-') {
                let (low, high) = (self.value(low)?, self.value(high)?);
                // `fri-sun`: at the end of a range Sunday comes after Saturday.
                (low, if self.high == 7 && high == 0 && low > 0 { 7 } else { high })
            } else {
                let low = self.value(range)?;
                // `5/20` counts to the end of the range.
                (low, if step.is_some() { low.max(last) } else { low })
            };
            if low > high {
                return Err("the range runs backwards".into());
            }
            for value in (low..=high).step_by(usize::from(step.unwrap_or(1))) {
                set |= 1 << value;
            }
        }
        Ok(set)
    }

    fn value(&self, text: &str) -> std::result::Result<u8, String> {
        let lower = text.to_ascii_lowercase();
        let named =
            self.names.iter().zip(self.low..).find(|(name, _)| **name == lower).map(|(_, value)| value);
        named
            .or_else(|| digits(text))
            .filter(|value| (self.low..=self.high).contains(value))
            .ok_or_else(|| format!("allowed are {}–{}", self.low, self.high))
    }
}

/// A number of digits only: the standard library would read `+5` too.
fn digits(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_cron_accepts() {
        for text in [
            "* * * * *",
            "0 2 * * *",
            "*/15 * * * *",
            "5 4 1,15 * *",
            "0 22 * * 1-5",
            "0 0 29 2 *",
            "@daily",
            "0 0 31 * 1",
            "0 0 30 2 1",
            "0 9 * JAN,jul Mon",
            "10/20 * * * 7",
        ] {
            assert!(Schedule::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_zone_comes_first() {
        for text in ["CRON_TZ=Asia/Tokyo 0 9 * * 1-5", " TZ=Asia/Tokyo  0 9 * * 1-5"] {
            assert_eq!(Schedule::parse(text).unwrap().zone(), Some("Asia/Tokyo"), "{text}");
        }
        assert_eq!(Schedule::parse("CRON_TZ=Asia/Tokyo @daily").unwrap().zone(), Some("Asia/Tokyo"));
        assert_eq!(Schedule::parse("@daily").unwrap().zone(), None);
    }

    #[test]
    fn advice_fits_what_was_meant() {
        for (text, help) in [
            ("90s", "write `@every 90s`"),
            ("1h30m", "write `@every 1h30m`"),
            ("cron_tz=Europe/Berlin 0 9 * * *", "CRON_TZ="),
            ("0 9 * * * TZ=UTC", "CRON_TZ="),
            ("0 9 * * * Europe/Berlin", "CRON_TZ="),
            ("@daily CRON_TZ=UTC", "CRON_TZ="),
            ("*/5 * * * * *", "seconds are not supported"),
            ("@dayly", "`@daily`"),
            ("every 5 minutes", "or `@every 90s`"),
            ("0 0 30 2 *", "name a day"),
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.help().unwrap().contains(help), "{text}: {error:?}");
        }
    }

    #[test]
    fn refuses_what_cannot_fire() {
        for text in [
            "",
            "every monday",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "* * * *",
            "0 0 30 2 *",
            "0 0 31 4,6,9,11 *",
            "@every 0s",
            "@every -86400s",
            "@every 5",
            "@every",
            "@every 5d",
            "@every 1.5h",
            "@every h",
            "@every 1h 5m",
            "@every 99999999999999999h",
            "@sometimes",
            "@reboot",
            "+5 * * * *",
            "*/+5 * * * *",
            "5- * * * *",
            ", * * * *",
            "* * * * mon-tuesday",
            "* * L * *",
            "* * * * 5#3",
            "0 0 0 * * *",
            "0 0 0 * * * 2030",
            "TZ=Europe/Berlin",
            "TZ= 0 0 * *",
            "CRON_TZ=Europe/Berlin @every 5s",
            "１ * * * *",
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ScheduleInvalid, "{text}");
        }
    }

    #[test]
    fn the_help_fits_the_mistake() {
        for (text, help) in [
            ("0 0 0 * * *", "seconds are not supported"),
            ("@sometimes", "known are `@yearly`"),
            ("CRON_TZ=Europe/Berlin @every 6h", "`@every` takes no time zone"),
            ("CRON_TZ=Asia/Tokyo 0 0 * *", "write cron as"),
            ("@every 0h0m", "at least one second"),
            ("@every -5s", "at least one second"),
            ("@every 500ms", "write whole hours"),
            ("0 0 * *", "write cron as"),
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.help().unwrap().contains(help), "{text}: {error:?}");
        }
    }

    #[test]
    fn intervals_are_sums() {
        for (text, seconds) in
            [("@every 90s", 90), ("@every 5m", 300), (" @every  1h30m ", 5_400), ("@every 1h1m1s", 3_661)]
        {
            assert_eq!(Schedule::parse(text).unwrap(), Schedule::Every(seconds), "{text}");
        }
    }

    #[test]
    fn different_spellings_are_one_schedule() {
        for (left, right) in [
            ("0 0 * * 0", "0 0 * * 7"),
            ("0 0 * * fri-sun", "0 0 * * 5-7"),
            ("0 0 * * sat-0", "0 0 * * 6,7"),
            ("0 0 * * 1/2", "0 0 * * 1,3,5"),
            ("0 0 * * 7/3", "0 0 * * 0"),
            ("0 0 ? * 1", "0 0 * * 1"),
            ("0 0 1 * ?", "0 0 1 * *"),
            ("5/20 * * * *", "5,25,45 * * * *"),
            ("0 0 1 jan-MAR/2 *", "00 00 01 1,3 *"),
            ("@weekly", "0 0 * * sun"),
        ] {
            assert_eq!(Schedule::parse(left).unwrap(), Schedule::parse(right).unwrap(), "{left}");
        }
    }
}
