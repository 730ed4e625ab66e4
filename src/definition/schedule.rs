//! Schedules: five-field cron text, its `@` names, and `@every <n>s`.

use crate::error::{Error, ErrorCode, Result};

/// When a workflow starts by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// A calendar rule.
    Cron(Cron),
    /// A fixed distance in seconds, at least one.
    Every(u64),
}

/// A cron expression: minute, hour, day of month, month, day of week; one bit per allowed value.
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
    /// Both day fields are restricted: then either may match, as cron has it.
    pub either_day: bool,
}

struct Field {
    name: &'static str,
    low: u8,
    high: u8,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: &MONTHS },
    // 7 is Sunday too.
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

impl Schedule {
    /// Reads the text of a schedule.
    ///
    /// # Errors
    ///
    /// `SCHEDULE_INVALID` where the text is neither cron nor `@every`, or could never fire.
    ///
    /// ```
    /// use highway_wasm::definition::schedule::Schedule;
    ///
    /// assert!(Schedule::parse("*/15 8-18 * * mon-fri").is_ok());
    /// assert_eq!(Schedule::parse("@every 90s").unwrap(), Schedule::Every(90));
    /// assert!(Schedule::parse("0 0 30 2 *").is_err()); // there is no 30 February
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |message: String| {
            Error::new(ErrorCode::ScheduleInvalid, message).with_help(
                "write cron as `minute hour day-of-month month day-of-week`, for example `0 2 * * *`, or give a duration",
            )
        };
        let trimmed = text.trim();
        if let Some(interval) = trimmed.strip_prefix("@every ") {
            return interval
                .strip_suffix('s')
                .and_then(|digits| digits.parse().ok())
                .filter(|seconds| *seconds > 0)
                .map(Self::Every)
                .ok_or_else(|| {
                    invalid(format!("schedule `{text}` never fires: an interval is at least one second"))
                });
        }
        let expression =
            ALIASES.iter().find(|(alias, _)| *alias == trimmed).map_or(trimmed, |(_, expression)| expression);
        let parts: Vec<&str> = expression.split_whitespace().collect();
        if parts.len() != FIELDS.len() {
            return Err(invalid(format!("schedule `{text}` has {} fields where cron has 5", parts.len())));
        }
        let mut sets = [0_u64; 5];
        for ((part, field), set) in parts.iter().zip(&FIELDS).zip(&mut sets) {
            *set = field.parse(part).map_err(|reason| {
                invalid(format!("`{part}` is not a valid {} in schedule `{text}`: {reason}", field.name))
            })?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let restricted = |part: Option<&&str>| part.is_some_and(|part| !part.starts_with('*'));
        let cron = Cron {
            minutes,
            hours,
            days,
            months,
            weekdays: (weekdays | (weekdays >> 7)) & 0x7f,
            either_day: restricted(parts.get(2)) && restricted(parts.get(4)),
        };
        if !cron.can_fire() {
            return Err(invalid(format!("schedule `{text}` never fires: none of its months has such a day")));
        }
        Ok(Self::Cron(cron))
    }
}

impl Cron {
    /// Whether any month it names has any day it names.
    fn can_fire(&self) -> bool {
        self.either_day
            || (1_u8..=12)
                .zip(LONGEST_MONTH)
                .any(|(month, length)| bit(self.months, month) && (1..=length).any(|day| bit(self.days, day)))
    }
}

const fn bit(set: u64, index: u8) -> bool {
    set & (1 << index) != 0
}

impl Field {
    /// The set of values one field allows: `*`, values, names, `a-b`, each with an optional `/step`, by comma.
    fn parse(&self, text: &str) -> std::result::Result<u64, String> {
        let mut set = 0;
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => {
                    let step = step.parse::<u8>().ok().filter(|step| *step > 0);
                    (range, Some(step.ok_or("the step is not a whole number above 0")?))
                }
                None => (item, None),
            };
            let (low, high) = if range == "*" {
                (self.low, self.high)
            } else if let Some((low, high)) = range.split_once('-') {
                (self.value(low)?, self.value(high)?)
            } else {
                let low = self.value(range)?;
                (low, if step.is_some() { self.high } else { low })
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
            .or_else(|| text.parse().ok())
            .filter(|value| (self.low..=self.high).contains(value))
            .ok_or_else(|| format!("allowed are {}–{}", self.low, self.high))
    }
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
            "@every 5m",
            "@sometimes",
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ScheduleInvalid, "{text}");
        }
    }

    #[test]
    fn sunday_is_both_0_and_7() {
        let (Schedule::Cron(zero), Schedule::Cron(seven)) =
            (Schedule::parse("0 0 * * 0").unwrap(), Schedule::parse("0 0 * * 7").unwrap())
        else {
            panic!("cron expected")
        };
        assert_eq!(zero, seven);
    }
}
