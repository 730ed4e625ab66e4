//! How often a client may look at the runs it follows, however many they are.

/// Requests that may be made at once after a pause.
const BURST: f64 = 20.0;
/// Requests per second after that.
const RATE: f64 = 8.0;

/// A bucket of requests that fills with time.
#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    at: f64,
}

impl Budget {
    pub(super) fn new(now: f64) -> Self {
        Self { left: BURST, at: now }
    }

    /// Takes one request, or gives the milliseconds until there is one.
    pub(super) fn take(&mut self, now: f64) -> Result<(), f64> {
        self.left = (self.left + (now - self.at).max(0.0) * RATE / 1_000.0).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            // A timer has no fractions of a millisecond.
            return Err(((1.0 - self.left) * 1_000.0 / RATE).max(1.0));
        }
        self.left -= 1.0;
        Ok(())
    }

    /// Takes one that has to be made now; later ones wait for it.
    pub(super) fn overdraw(&mut self) {
        self.left -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_at_most_six_hundred_requests() {
        let mut budget = Budget::new(0.0);
        let (mut now, mut taken) = (0.0, 0);
        while now < 60_000.0 {
            match budget.take(now) {
                Ok(()) => taken += 1,
                Err(wait) => now += wait,
            }
        }
        assert!((490..=501).contains(&taken), "{taken}");
    }
}
