//! The budget of requests with which a client looks at the runs it follows, independent of their number.

/// The most requests at once after a pause.
const BURST: f64 = 20.0;
/// The requests per second after that.
const RATE: f64 = 8.0;

/// The requests that may be made now. They grow with time.
#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    at: f64,
}

impl Budget {
    pub(super) fn new(now: f64) -> Self {
        Self { left: BURST, at: now }
    }

    /// Takes one request. The error is the milliseconds until one is available.
    pub(super) fn take(&mut self, now: f64) -> Result<(), f64> {
        self.left = (self.left + (now - self.at).max(0.0) * RATE / 1_000.0).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            // A timer counts whole milliseconds.
            return Err(((1.0 - self.left) * 1_000.0 / RATE).max(1.0));
        }
        self.left -= 1.0;
        Ok(())
    }

    /// Takes one request that must be made now, even on credit.
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
