//! The clocks of time zones, which the host knows.

use crate::definition::UTC;
use crate::definition::schedule::Schedule;
use crate::time::Millis;
use std::fmt;
use std::rc::Rc;

/// Tells how far the clocks of a time zone are ahead of UTC at a moment, in milliseconds.
type Offset = dyn Fn(&str, Millis) -> Option<i64>;

/// The time zones that an engine knows: UTC, and those of its host.
#[derive(Clone)]
pub struct Zones(Rc<Offset>);

impl Zones {
    /// Time zones with the clocks of the host. For a name such as `Europe/Berlin` and a moment, `offset` returns how
    /// far the clocks are ahead of UTC in milliseconds, and `None` for an unknown name.
    ///
    /// ```
    /// use highway_wasm::engine::Zones;
    ///
    /// let zones = Zones::new(|name, _| (name == "Asia/Tokyo").then_some(9 * 3_600_000));
    /// assert_eq!(zones.offset("Asia/Tokyo", 0), Some(32_400_000));
    /// assert_eq!(zones.offset("UTC", 0), Some(0));
    /// ```
    pub fn new(offset: impl Fn(&str, Millis) -> Option<i64> + 'static) -> Self {
        Self(Rc::new(offset))
    }

    /// How far the clocks of a time zone are ahead of UTC, in milliseconds; `None` for an unknown zone.
    pub fn offset(&self, zone: &str, at: Millis) -> Option<i64> {
        if UTC.contains(&zone) { Some(0) } else { (self.0)(zone, at) }
    }

    /// The first moment after `after` at which a schedule fires.
    pub(in crate::engine) fn next(&self, schedule: &Schedule, after: Millis) -> Option<Millis> {
        schedule.next_after_in(after, &|zone, at| self.offset(zone, at))
    }
}

impl Default for Zones {
    fn default() -> Self {
        Self::new(|_, _| None)
    }
}

impl fmt::Debug for Zones {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Zones")
    }
}
