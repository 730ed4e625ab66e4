//! Moments as ISO 8601 text and as milliseconds since the start of 1970. The core has no clock.

#[cfg(feature = "engine")]
use crate::json::number::clamp;
use crate::text::cut;

/// Milliseconds since the start of 1970.
pub type Millis = u64;

const DAY_MS: i64 = 86_400_000;

/// A moment as `2024-01-31T12:00:00.000Z`.
///
/// ```
/// assert_eq!(highway_wasm::time::to_iso(0), "1970-01-01T00:00:00.000Z");
/// ```
pub fn to_iso(moment: Millis) -> String {
    let moment = i64::try_from(moment).unwrap_or(i64::MAX);
    let (days, in_day) = (moment.div_euclid(DAY_MS), moment.rem_euclid(DAY_MS));
    let (year, month, day) = civil_from_days(days);
    let (seconds, millis) = (in_day / 1_000, in_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Reads `YYYY-MM-DD`, then optionally `T` or a blank, `HH:MM[:SS[.fraction]]` and `Z` or `±HH:MM`. Text without an
/// offset is UTC. `None` for other text and for moments before 1970.
pub fn parse_iso(text: &str) -> Option<Millis> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let in_day = time.map_or(Some(0), time_of_day)?;
    Millis::try_from(days_from_date(year, month, day)? * DAY_MS + in_day).ok()
}

/// The moment `seconds` after `at`.
#[cfg(feature = "engine")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a non-negative range"
)]
pub(crate) fn after(at: Millis, seconds: f64) -> Millis {
    const LONGEST_MS: f64 = 1e13;
    at.saturating_add(clamp(seconds * 1_000.0, 0.0, LONGEST_MS).round() as Millis)
}

/// Days since 1970-01-01 of a date; `None` if there is no such date.
pub(crate) const fn days_from_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let exists = month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
    if exists { Some(days_from_civil(year, month, day)) } else { None }
}

/// Days since 1970-01-01 of a day of an ISO 8601 week; Monday is 1.
pub(crate) const fn days_from_week(year: i64, week: i64, day: i64) -> i64 {
    // 4 January is always in the first week; 1970-01-01 was a Thursday.
    let fourth = days_from_civil(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    monday + (week - 1) * 7 + day - 1
}

/// Reads the date of an HTTP header: `Wed, 21 Oct 2026 07:28:00 GMT`.
pub fn parse_http_date(text: &str) -> Option<Millis> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = cut(text, ", ")?.1.split(' ');
    let (day, month, year, clock) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    parse_iso(&format!("{year}-{month:02}-{day}T{clock}Z")).filter(|_| parts.eq(["GMT"]))
}

fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(at) => {
            let (clock, offset) = text.split_at_checked(at)?;
            (clock, parse_offset(offset)?)
        }
        None => (text, 0),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis = digits(&format!("{fraction:0<3}").chars().take(3).collect::<String>(), 3)?;
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let valid = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    valid.then_some(((hour * 60 + minute - offset) * 60 + second) * 1_000 + millis)
}

/// Minutes east of UTC.
fn parse_offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The number of days in a month of the Gregorian calendar.
pub(crate) const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted in 400-year eras from 1 March.
pub(crate) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("2024-01-31T12:00:00.000Z", 1_706_702_400_000),
            ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
        ] {
            assert_eq!(parse_iso(text), Some(millis), "{text}");
            assert_eq!(to_iso(millis), text);
        }
    }

    #[test]
    fn reads_the_usual_forms() {
        let noon = Some(1_706_702_400_000);
        for text in [
            "2024-01-31T12:00Z",
            "2024-01-31 12:00:00",
            "2024-01-31T13:30:00+01:30",
            "2024-01-31T12:00:00.000000Z",
        ] {
            assert_eq!(parse_iso(text), noon, "{text}");
        }
        assert_eq!(parse_iso("2024-01-31"), Some(1_706_659_200_000));
        assert_eq!(parse_iso("2024-01-31T12:00:00.25Z"), Some(1_706_702_400_250));
    }

    #[test]
    fn refuses_other_text() {
        for text in [
            "",
            "2024",
            "2024-02-30",
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "2024-01-01T25:00",
            "2024-01-01T10",
            "2024-01-01T10:00:00.Z",
            "2024-01-01T10:00+1",
            "1969-12-31",
            "２０２４-01-01",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn reads_http_dates() {
        assert_eq!(parse_http_date("Wed, 31 Jan 2024 12:00:00 GMT"), Some(1_706_702_400_000));
        for text in
            ["", "Wed, 31 Jan 2024 12:00:00", "31 Jan 2024 12:00:00 GMT", "Wed, 31 Foo 2024 12:00:00 GMT"]
        {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }
}
