//! The moments at which a schedule fires, in UTC.

use super::schedule::{Cron, Schedule, bit};
use crate::time::{Millis, civil_from_days, days_from_civil, days_in_month};

const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: i64 = 1_440;
const EVERY_HOUR: u64 = (1 << 24) - 1;
/// Clocks of a time zone change by less than this, and at most once within it.
const CHANGE_MS: u64 = 26 * 3_600_000;
/// The calendar, weekdays included, repeats after 400 years. A rule that does not fire in that time never fires.
const CYCLE_MONTHS: usize = 401 * 12;

/// Tells how far the clocks of a named time zone are ahead of UTC at a moment, in milliseconds; `None` for an unknown
/// zone.
pub type Offset<'a> = &'a dyn Fn(&str, Millis) -> Option<i64>;

/// Names of UTC. The host is never asked about them.
pub(crate) const UTC: [&str; 4] = ["UTC", "Etc/UTC", "GMT", "Z"];

impl Schedule {
    /// The first moment after `after` at which the schedule fires: a full minute for cron, `after` plus the interval
    /// for `@every`. `None` if there is none within the range of [`Millis`], and for a schedule with a time zone: see
    /// [`next_after_in`](Self::next_after_in).
    ///
    /// ```
    /// use highway_wasm::definition::schedule::Schedule;
    /// use highway_wasm::time::{parse_iso, to_iso};
    ///
    /// let leap_days = Schedule::parse("30 6 29 2 *").unwrap();
    /// let after = parse_iso("2096-03-01").unwrap();
    /// assert_eq!(leap_days.next_after(after).map(to_iso).as_deref(), Some("2104-02-29T06:30:00.000Z"));
    /// ```
    pub fn next_after(&self, after: Millis) -> Option<Millis> {
        match self {
            Self::Every(seconds) => after.checked_add(seconds.checked_mul(1_000)?),
            Self::Cron(cron) if cron.zone.is_none() => cron.next_after(after),
            Self::Cron(_) => None,
        }
    }

    /// The first moment after `after` at which the schedule fires by the clocks of its time zone, as cron has it:
    ///
    /// - The clocks skip an hour: a firing within that hour comes as much later, unless the rule fires in every hour.
    /// - The clocks repeat an hour: a rule with `*` in the minute or the hour fires in both, any other rule in the
    ///   first alone.
    ///
    /// ```
    /// use highway_wasm::definition::schedule::Schedule;
    /// use highway_wasm::time::{parse_iso, to_iso};
    ///
    /// let tokyo = |zone: &str, _| (zone == "Asia/Tokyo").then_some(9 * 3_600_000);
    /// let mornings = Schedule::parse("CRON_TZ=Asia/Tokyo 0 9 * * *").unwrap();
    /// let next = mornings.next_after_in(parse_iso("2026-03-01T00:00").unwrap(), &tokyo);
    /// assert_eq!(next.map(to_iso).as_deref(), Some("2026-03-02T00:00:00.000Z"));
    /// ```
    pub fn next_after_in(&self, after: Millis, offset: Offset<'_>) -> Option<Millis> {
        match self {
            Self::Cron(cron) => match &cron.zone {
                Some(zone) => cron.next_by_clock(after, &|at| offset(zone, at)),
                None => cron.next_after(after),
            },
            Self::Every(_) => self.next_after(after),
        }
    }

    /// The time zone of the schedule; `None` for UTC.
    pub fn zone(&self) -> Option<&str> {
        match self {
            Self::Cron(cron) => cron.zone.as_deref(),
            Self::Every(_) => None,
        }
    }

    /// The next `count` firings after `after`, in order; fewer if the range of [`Millis`] ends first.
    ///
    /// ```
    /// use highway_wasm::definition::schedule::Schedule;
    ///
    /// assert_eq!(Schedule::parse("@every 5s").unwrap().firings(0, 3), [5_000, 10_000, 15_000]);
    /// ```
    pub fn firings(&self, after: Millis, count: usize) -> Vec<Millis> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last)).take(count).collect()
    }
}

impl Cron {
    fn next_after(&self, after: Millis) -> Option<Millis> {
        let first = i64::try_from(after / MINUTE_MS + 1).ok()?;
        let (today, minute) = (first.div_euclid(DAY_MINUTES), first.rem_euclid(DAY_MINUTES));
        let (day, minute) = self
            .time_from(minute)
            .filter(|_| self.fires_on(today))
            .map(|minute| (today, minute))
            .or_else(|| Some((self.day_from(today + 1)?, self.time_from(0)?)))?;
        u64::try_from(day * DAY_MINUTES + minute).ok()?.checked_mul(MINUTE_MS)
    }

    fn next_by_clock(&self, after: Millis, offset: &dyn Fn(Millis) -> Option<i64>) -> Option<Millis> {
        let mut from = after;
        loop {
            let clocks = Clocks::near(from, offset)?;
            let (least, most) = clocks.range();
            let mut wall = self.next_after(from.checked_add_signed(least)?)?;
            let mut best: Option<Millis> = None;
            // Around a change of the clocks, a later time of day may come first. So every time that could still come
            // before the best one is tried.
            while best.map_or(wall <= from.saturating_add(CHANGE_MS), |best| {
                best.checked_add_signed(most).is_some_and(|shown| wall < shown)
            }) {
                let firings = self.moments(wall, &clocks)?.into_iter().flatten();
                best = firings.chain(best).filter(|at| *at > after).min();
                match self.next_after(wall) {
                    Some(next) => wall = next,
                    None => return best,
                }
            }
            if best.is_some() {
                return best;
            }
            // The rule cannot fire before this time, so the search goes on from here.
            from = wall.checked_sub(CHANGE_MS)?;
        }
    }

    /// The moments at which the rule fires for one minute of the clocks, which the clocks show once, twice or never.
    fn moments(&self, wall: Millis, clocks: &Clocks<'_>) -> Option<[Option<Millis>; 2]> {
        let offset = |at: Option<Millis>| clocks.offset(at?);
        let before = offset(wall.checked_sub(CHANGE_MS).or(Some(0)))?;
        let later = offset(wall.checked_add(CHANGE_MS))?;
        let first = wall.checked_add_signed(-before);
        let second = wall.checked_add_signed(-later).filter(|_| later != before);
        let [is_first, is_second] =
            [(first, before), (second, later)].map(|(at, shown)| at.is_some() && offset(at) == Some(shown));
        Some(match (is_first, is_second) {
            (true, true) => [first, second.filter(|_| self.is_frequent)],
            (true, false) => [first, None],
            (false, true) => [second, None],
            // The clocks skip this minute: the rule fires as much later, unless it fires in the next hour anyway.
            (false, false) => [first.filter(|_| self.hours != EVERY_HOUR), None],
        })
    }

    /// The first day on which the rule fires, from `day` on; days count from 1970-01-01. Months that do not match are
    /// skipped as a whole.
    fn day_from(&self, day: i64) -> Option<i64> {
        let (mut year, mut month, mut day_of_month) = civil_from_days(day);
        for _ in 0..CYCLE_MONTHS {
            if has(self.months, month) {
                let start = days_from_civil(year, month, 0);
                let mut days = day_of_month..=days_in_month(year, month);
                if let Some(found) = days.find(|day| self.day_matches(*day, start + day)) {
                    return Some(start + found);
                }
            }
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            day_of_month = 1;
        }
        None
    }

    fn fires_on(&self, day: i64) -> bool {
        let (_, month, day_of_month) = civil_from_days(day);
        has(self.months, month) && self.day_matches(day_of_month, day)
    }

    /// Whether the rule fires on a day. Both day fields must match; if both are restricted, either of them will do, as
    /// cron has it.
    fn day_matches(&self, day_of_month: i64, day: i64) -> bool {
        // 1970-01-01 was a Thursday.
        let (by_month, by_week) = (has(self.days, day_of_month), has(self.weekdays, (day + 4).rem_euclid(7)));
        if self.either_day { by_month || by_week } else { by_month && by_week }
    }

    /// The first minute of a matching day at which the rule fires, from `minute` on.
    fn time_from(&self, minute: i64) -> Option<i64> {
        let (hour, minute) = (minute / 60, minute % 60);
        let in_hour = |from: i64| (from..60).find(|minute| has(self.minutes, *minute));
        let now = in_hour(minute).filter(|_| has(self.hours, hour)).map(|found| hour * 60 + found);
        let later = || Some((hour + 1..24).find(|hour| has(self.hours, *hour))? * 60 + in_hour(0)?);
        now.or_else(later)
    }
}

/// The clocks of a time zone around one moment. They change at most once in that time.
struct Clocks<'a> {
    host: &'a dyn Fn(Millis) -> Option<i64>,
    /// The moments for which the offsets below hold, so that the host need not be asked again.
    known: std::ops::RangeInclusive<Millis>,
    /// How far the clocks are ahead of UTC before the change and after it, in milliseconds.
    offsets: (i64, i64),
    change: Millis,
}

impl<'a> Clocks<'a> {
    fn near(at: Millis, host: &'a dyn Fn(Millis) -> Option<i64>) -> Option<Self> {
        let (start, end) = (at.saturating_sub(2 * CHANGE_MS), at.checked_add(2 * CHANGE_MS)?);
        let offsets = (host(start)?, host(end)?);
        let (mut before, mut change) = (start, end);
        while offsets.0 != offsets.1 && change - before > 1 {
            let middle = before + (change - before) / 2;
            *(if host(middle)? == offsets.0 { &mut before } else { &mut change }) = middle;
        }
        Some(Self { host, known: start..=end, offsets, change })
    }

    fn offset(&self, at: Millis) -> Option<i64> {
        if !self.known.contains(&at) {
            return (self.host)(at);
        }
        Some(if at < self.change { self.offsets.0 } else { self.offsets.1 })
    }

    /// The smallest and the largest offset, in milliseconds.
    fn range(&self) -> (i64, i64) {
        let (one, other) = self.offsets;
        (one.min(other), one.max(other))
    }
}

/// Whether the set has the bit `index`. Every part of a date is below 60.
fn has(set: u64, index: i64) -> bool {
    u8::try_from(index).is_ok_and(|index| index < 64 && bit(set, index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{parse_iso, to_iso};

    fn schedule(text: &str) -> Schedule {
        Schedule::parse(text).unwrap()
    }

    /// Expected moments come from croniter 7.0.0 with `implement_cron_bug`.
    #[test]
    fn fires_at_the_next_minute_that_matches() {
        for (text, after, expected) in [
            ("* * * * *", "1970-01-01T00:00:00", "1970-01-01T00:01"),
            ("* * * * *", "2026-12-31T23:59:00", "2027-01-01T00:00"),
            ("*/15 * * * *", "2026-03-01T10:14:59", "2026-03-01T10:15"),
            ("*/15 * * * *", "2026-03-01T10:15:00", "2026-03-01T10:30"),
            ("0 2 * * *", "2026-03-01T01:59:59", "2026-03-01T02:00"),
            ("0 2 * * *", "2026-03-01T02:00:00", "2026-03-02T02:00"),
            ("59 23 31 12 *", "2026-12-31T23:59:00", "2027-12-31T23:59"),
            ("0 0 1 1 *", "2026-01-01T00:00:00", "2027-01-01T00:00"),
            ("0 9 * * mon-fri", "2026-11-20T09:00:00", "2026-11-23T09:00"),
            ("0 9 * * sat,sun", "2026-11-22T09:00:00", "2026-11-28T09:00"),
            ("0 0 31 * *", "2026-01-31T00:00:00", "2026-03-31T00:00"),
            ("0 0 30 * *", "2026-01-31T00:00:00", "2026-03-30T00:00"),
            ("0 0 31 4,6,7 *", "2026-03-01T00:00:00", "2026-07-31T00:00"),
            ("0 0 29 2 *", "2024-02-29T00:00:00", "2028-02-29T00:00"),
            ("0 0 29 2 *", "2096-02-29T00:00:00", "2104-02-29T00:00"),
            ("0 0 29 2 *", "2100-02-28T23:59:59", "2104-02-29T00:00"),
            ("0 0 28,29 2 *", "2100-02-28T00:00:00", "2101-02-28T00:00"),
            ("0 12 29 2 */7", "2032-02-29T12:00:00", "2060-02-29T12:00"),
            ("0 12 29 2 */7", "2088-02-29T12:00:00", "2128-02-29T12:00"),
            ("0 0 13 * 5", "2026-11-13T00:00:00", "2026-11-20T00:00"),
            ("0 0 13 * 5", "2026-11-09T00:00:00", "2026-11-13T00:00"),
            ("0 0 30 2 1", "2026-02-23T00:00:00", "2027-02-01T00:00"),
            ("0 0 */2 * 1", "2026-11-01T00:00:00", "2026-11-09T00:00"),
            ("0 0 1-7 * */7", "2026-11-01T00:00:00", "2026-12-06T00:00"),
            ("0 0 * * 0", "2026-11-22T00:00:00", "2026-11-29T00:00"),
            ("0 0 * * 7", "2026-11-16T00:00:00", "2026-11-22T00:00"),
            ("0 0 * * fri-sun", "2026-11-22T00:00:00", "2026-11-27T00:00"),
            ("0 0 * * 1/2", "2026-11-20T00:00:00", "2026-11-23T00:00"),
            ("5/20 * * * *", "2026-11-20T10:45:00", "2026-11-20T11:05"),
            ("10-20/5 8-18/4 * * *", "2026-11-20T16:20:00", "2026-11-21T08:10"),
            ("0 0 ? * 3", "2026-11-20T00:00:00", "2026-11-25T00:00"),
            ("0 0 1 * ?", "2026-11-20T00:00:00", "2026-12-01T00:00"),
            ("0 0 1 feb-apr/2 *", "2026-11-20T00:00:00", "2027-02-01T00:00"),
            ("30 4 1,15 * 5", "2026-11-13T04:30:00", "2026-11-15T04:30"),
            ("59 23 * 2 *", "2028-02-29T23:58:59", "2028-02-29T23:59"),
            ("0 0 * 3 *", "2027-12-31T23:59:59", "2028-03-01T00:00"),
            ("0 0 1 */5 *", "2026-11-20T00:00:00", "2027-01-01T00:00"),
            ("* * 29 2 *", "2024-02-29T23:59:59", "2028-02-29T00:00"),
            ("@yearly", "2026-11-20T00:00:00", "2027-01-01T00:00"),
            ("@monthly", "2026-12-01T00:00:00", "2027-01-01T00:00"),
            ("@weekly", "2026-11-20T00:00:00", "2026-11-22T00:00"),
            ("@daily", "1999-12-31T23:59:59", "2000-01-01T00:00"),
            ("@hourly", "2000-02-28T23:00:00", "2000-02-29T00:00"),
        ] {
            let found = schedule(text).next_after(parse_iso(after).unwrap()).map(to_iso);
            assert_eq!(found, Some(format!("{expected}:00.000Z")), "{text} after {after}");
        }
    }

    #[test]
    fn intervals_count_from_the_moment_given() {
        assert_eq!(schedule("@every 1h30m").next_after(1_234), Some(5_401_234));
        assert_eq!(schedule("@every 1s").firings(999, 3), [1_999, 2_999, 3_999]);
    }

    #[test]
    fn firings_follow_each_other() {
        let leap_days = schedule("0 0 29 2 *").firings(parse_iso("2090-01-01").unwrap(), 3);
        let days: Vec<String> = leap_days.into_iter().map(to_iso).collect();
        assert_eq!(
            days,
            ["2092-02-29T00:00:00.000Z", "2096-02-29T00:00:00.000Z", "2104-02-29T00:00:00.000Z"]
        );
        assert_eq!(schedule("0 0 * * *").firings(0, 0), [0; 0]);
    }

    #[test]
    fn the_end_of_time_is_no_firing() {
        for text in ["* * * * *", "0 0 29 2 *", "@every 1s"] {
            assert_eq!(schedule(text).firings(Millis::MAX - 5, 3), [0; 0], "{text}");
        }
        assert_eq!(Schedule::Every(u64::MAX).next_after(0), None);
        let never = Cron {
            minutes: 1,
            hours: 1,
            days: 1 << 31,
            months: 1 << 4,
            weekdays: 0x7f,
            either_day: false,
            is_frequent: false,
            zone: None,
        };
        assert_eq!(Schedule::Cron(never).next_after(0), None);
    }

    /// Compares each firing with a search minute by minute.
    #[test]
    fn nothing_is_skipped() {
        for text in ["7,50 */7 31 * 2", "*/29 5-23/6 1-9 1,3,12 *", "59 23 28-31 2 1/2", "0 0 29 2 *"] {
            let schedule = schedule(text);
            let Schedule::Cron(cron) = &schedule else { panic!("cron expected") };
            let (start, end) = (parse_iso("2023-12-30").unwrap(), parse_iso("2025-03-02").unwrap());
            let mut expected = schedule.next_after(start).unwrap();
            for minute in (start / MINUTE_MS + 1)..=(end / MINUTE_MS) {
                let at = i64::try_from(minute).unwrap();
                let (day, hour) = (at / DAY_MINUTES, at % DAY_MINUTES / 60);
                if cron.fires_on(day) && has(cron.hours, hour) && has(cron.minutes, at % 60) {
                    assert_eq!(expected, minute * MINUTE_MS, "{text}");
                    expected = schedule.next_after(expected).unwrap();
                }
            }
            assert!(expected > end, "{text}");
        }
    }

    /// Clocks of Berlin in 2026: put forward on 29 March, back on 25 October, both at 01:00 UTC.
    fn berlin(zone: &str, at: Millis) -> Option<i64> {
        let summer = parse_iso("2026-03-29T01:00").unwrap()..parse_iso("2026-10-25T01:00").unwrap();
        (zone == "Europe/Berlin").then(|| if summer.contains(&at) { 7_200_000 } else { 3_600_000 })
    }

    /// Expected moments come from cron(8)'s rules for daylight saving time.
    #[test]
    fn fires_by_the_clocks_of_its_zone() {
        for (rule, after, expected) in [
            ("0 9 * * *", "2026-01-10T07:59", &["2026-01-10T08:00", "2026-01-11T08:00"][..]),
            ("0 9 * * *", "2026-03-28T08:00", &["2026-03-29T07:00", "2026-03-30T07:00"]),
            // 02:30 does not exist on that day.
            ("30 2 * * *", "2026-03-28T02:00", &["2026-03-29T01:30", "2026-03-30T00:30"]),
            // 02:30 comes twice.
            ("30 2 * * *", "2026-10-24T12:00", &["2026-10-25T00:30", "2026-10-26T01:30"]),
            (
                "*/30 * * * *",
                "2026-10-25T00:00",
                &["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"],
            ),
            ("*/30 * * * *", "2026-03-29T00:30", &["2026-03-29T01:00", "2026-03-29T01:30"]),
            ("15 1-3 * * *", "2026-10-25T00:15", &["2026-10-25T02:15"]),
            (
                "*/15 2 * * *",
                "2026-03-28T12:00",
                &["2026-03-29T01:00", "2026-03-29T01:15", "2026-03-29T01:30"],
            ),
            (
                "15,45 2 * * *",
                "2026-10-24T12:00",
                &["2026-10-25T00:15", "2026-10-25T00:45", "2026-10-26T01:15"],
            ),
            // The minute has a `*`: the rule fires in both hours that the clocks show.
            (
                "*/30 0-22 * * *",
                "2026-10-24T23:45",
                &["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"],
            ),
            (
                "0 */2 * * *",
                "2026-10-24T23:00",
                &["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T03:00"],
            ),
            ("0 * * * *", "2026-03-29T00:00", &["2026-03-29T01:00", "2026-03-29T02:00"]),
            // The question comes in another season than the firing.
            ("30 2 29 3 *", "2025-07-01T00:00", &["2026-03-29T01:30"]),
            ("0 9 29 3 *", "2025-07-01T00:00", &["2026-03-29T07:00"]),
            ("0 0 1 * *", "2026-03-15T00:00", &["2026-03-31T22:00", "2026-04-30T22:00"]),
        ] {
            let schedule = schedule(&format!("CRON_TZ=Europe/Berlin {rule}"));
            let mut at = parse_iso(after).unwrap();
            for expected in expected {
                at = schedule.next_after_in(at, &berlin).unwrap();
                assert_eq!(to_iso(at), format!("{expected}:00.000Z"), "{rule} after {after}");
            }
        }
        let elsewhere = schedule("CRON_TZ=Mars/Olympus 0 9 * * *");
        assert_eq!(elsewhere.next_after_in(0, &berlin), None);
        assert_eq!(elsewhere.next_after(0), None);
    }
    /// A change of clocks: the moment, and how far the clocks are ahead of UTC before and after it, in minutes.
    type Change = (&'static str, i64, i64);

    const NEW_YORK: Change = ("2024-03-10T07:00", -300, -240);
    const LORD_HOWE: Change = ("2026-10-03T15:30", 630, 660);
    const LORD_HOWE_BACK: Change = ("2026-04-04T15:00", 660, 630);
    /// The clocks skip midnight in spring and repeat it in autumn.
    const HAVANA: Change = ("2026-03-08T05:00", -300, -240);
    const HAVANA_BACK: Change = ("2026-11-01T05:00", -240, -300);
    /// Samoa skipped 30 December 2011.
    const SAMOA: Change = ("2011-12-30T10:00", -600, 840);

    fn offset_of((change, before, then): Change) -> impl Fn(&str, Millis) -> Option<i64> {
        let change = parse_iso(change).unwrap();
        move |_, at| Some(60_000 * if at < change { before } else { then })
    }

    #[test]
    fn fires_where_clocks_change_in_an_unusual_way() {
        for (change, rule, after, expected) in [
            (
                NEW_YORK,
                "15,45 2 * * *",
                "2024-03-10T00:00",
                &["2024-03-10T07:15", "2024-03-10T07:45", "2024-03-11T06:15"][..],
            ),
            // The clocks skip 02:15: the rule fires at 02:45, after 02:40.
            (
                LORD_HOWE,
                "15,40 2 * * *",
                "2026-10-03T00:00",
                &["2026-10-03T15:40", "2026-10-03T15:45", "2026-10-04T15:15"],
            ),
            (LORD_HOWE, "15,40 2 4 10 *", "2025-12-01T00:00", &["2026-10-03T15:40", "2026-10-03T15:45"]),
            // The clocks show 01:45 twice.
            (LORD_HOWE_BACK, "45 1 * * *", "2026-04-04T00:00", &["2026-04-04T14:45", "2026-04-05T15:15"]),
            (
                LORD_HOWE_BACK,
                "*/20 1 * * *",
                "2026-04-04T14:30",
                &["2026-04-04T14:40", "2026-04-04T15:10", "2026-04-05T14:30"],
            ),
            (HAVANA, "0 0 * * *", "2026-03-07T12:00", &["2026-03-08T05:00", "2026-03-09T04:00"]),
            (HAVANA, "@hourly", "2026-03-08T04:00", &["2026-03-08T05:00", "2026-03-08T06:00"]),
            (HAVANA_BACK, "0 0 * * *", "2026-10-31T12:00", &["2026-11-01T04:00", "2026-11-02T05:00"]),
            (
                HAVANA_BACK,
                "30 * * * sun",
                "2026-11-01T04:00",
                &["2026-11-01T04:30", "2026-11-01T05:30", "2026-11-01T06:30"],
            ),
            // The firing of the skipped day falls on that of the next day.
            (
                SAMOA,
                "0 9 * * *",
                "2011-12-29T00:00",
                &["2011-12-29T19:00", "2011-12-30T19:00", "2011-12-31T19:00"],
            ),
            (SAMOA, "0 9 30 12 *", "2011-12-01T00:00", &["2011-12-30T19:00", "2012-12-29T19:00"]),
            (SAMOA, "* * 30 12 *", "2011-12-01T00:00", &["2012-12-29T10:00", "2012-12-29T10:01"]),
        ] {
            let schedule = schedule(&format!("CRON_TZ=A/B {rule}"));
            let mut at = parse_iso(after).unwrap();
            for expected in expected {
                at = schedule.next_after_in(at, &offset_of(change)).unwrap();
                assert_eq!(to_iso(at), format!("{expected}:00.000Z"), "{rule} after {after}, {change:?}");
            }
        }
    }

    /// For every minute of the days around a change, compares whether the rule fires with what the firings say.
    #[test]
    fn nothing_is_skipped_where_clocks_change() {
        for (change, rule) in
            [NEW_YORK, LORD_HOWE, LORD_HOWE_BACK, HAVANA, HAVANA_BACK, SAMOA].into_iter().flat_map(|change| {
                [
                    "* * * * *",
                    "7,50 * * * *",
                    "*/20 0-22 * * *",
                    "*/29 1-2 * * *",
                    "5,35 */3 * * *",
                    "15 1-3 * * *",
                    "0,30 0 * * *",
                    "59 23 * * *",
                    "10 2 * * 0,6",
                    "*/7 0 30 * *",
                ]
                .map(|rule| (change, rule))
            })
        {
            let (at, before, then) = change;
            let (change_at, offset) = (parse_iso(at).unwrap(), offset_of(change));
            let schedule = schedule(&format!("CRON_TZ=A/B {rule}"));
            let Schedule::Cron(cron) = &schedule else { panic!("cron expected") };
            let matches = |shown: i64| {
                let (day, minute) = (shown.div_euclid(DAY_MINUTES), shown.rem_euclid(DAY_MINUTES));
                cron.fires_on(day) && cron.time_from(minute) == Some(minute)
            };
            let change_minute = i64::try_from(change_at / MINUTE_MS).unwrap();
            let fires = |minute: i64| {
                let is_after = minute >= change_minute;
                let shown = minute + if is_after { then } else { before };
                // The clocks showed this minute before, by the length of the change earlier.
                let is_again = is_after && minute + then - before < change_minute;
                let in_time = matches(shown) && (cron.is_frequent || !is_again);
                // The minute was skipped; before the change it would have been due.
                let is_late = is_after && minute + before < change_minute + then && cron.hours != EVERY_HOUR;
                in_time || (is_late && matches(minute + before))
            };
            let (start, end) = (change_minute - DAY_MINUTES, change_minute + DAY_MINUTES * 5 / 4);
            let millis = |minute: i64| u64::try_from(minute).unwrap() * MINUTE_MS;
            let expected: Vec<Millis> =
                (start + 1..=end).filter(|minute| fires(*minute)).map(millis).collect();
            let next = |at: &Millis| schedule.next_after_in(*at, &offset).filter(|next| *next <= millis(end));
            let found: Vec<Millis> = std::iter::successors(next(&millis(start)), next).collect();
            assert_eq!(found, expected, "{rule} around {at}");
        }
    }
}
