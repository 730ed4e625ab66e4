//! A round over the list of runs: it looks at many runs, page by page.

use super::followed::{Followed, Next, has_tasks, is_not_offered};
use super::{LONGEST_PAUSE_MS, MOST_AT_ONCE, Watches};
use crate::client::call::pause_ms;
use crate::client::run::{run_state, runs_in};
use crate::error::{ErrorCode, Result};
use serde_json::Value;

/// If this many runs are due at the same time, they are looked up in the list.
pub(super) const LIST_FROM: usize = 4;
pub(super) const PAGE_SIZE: usize = 100;
/// Runs that are due within this time are looked up in the same round.
const LIST_AHEAD_MS: f64 = 2_500.0;
/// A page that shows fewer followed runs than this was not worth a request.
const LIST_WORTH: usize = 2;
/// The number of missing runs of which one is expected on the next page.
const LIST_FAITH: usize = 16;
/// The pause of rounds after the list failed or showed few of the runs.
const LIST_PAUSE_MS: f64 = 30_000.0;

#[derive(Debug)]
pub(super) struct Round {
    number: u32,
    pub(super) page: u64,
    pub(super) is_in_flight: bool,
    found: usize,
}

impl Round {
    pub(super) fn new(number: u32) -> Self {
        Self { number, page: 1, is_in_flight: false, found: 0 }
    }
}

impl Watches {
    /// Takes the answer with a page of the list.
    pub(super) fn take_page(&mut self, answer: Result<Value>, now: f64, random: f64) {
        let Some(mut round) = self.round.take() else { return };
        if answer.as_ref().is_err_and(is_not_offered) {
            self.offers.list = false;
        }
        let data = match answer {
            Ok(data) => data,
            Err(error) => {
                let pause = pause_ms(&error);
                if error.code() == ErrorCode::ApiRateLimited && pause <= LONGEST_PAUSE_MS {
                    self.hold_until = self.hold_until.max(now + pause);
                }
                // The runs are then looked at one by one, which shows how broken the server is.
                self.list_after = now + LIST_PAUSE_MS;
                return;
            }
        };
        let mut count = 0;
        let mut looks = self.runs.iter().filter(|run| run.next == Next::Look).count();
        for item in runs_in(&data) {
            count += 1;
            let id = item.get("workflow_run_id").and_then(Value::as_str).unwrap_or_default();
            if let Ok(at) = self.position(id) {
                round.found += 1;
                self.take_listed(at, round.number, item, &mut looks, now, random);
            }
        }
        // Runs that are due soon are looked up as well, so that one round serves all.
        let is_wanted = |run: &Followed| {
            run.is_idle()
                && run.next == Next::Any
                && run.round != round.number
                && run.due <= now + LIST_AHEAD_MS
        };
        let wanted = self.runs.iter().filter(|run| is_wanted(run)).count();
        let cost = usize::try_from(round.page).unwrap_or(usize::MAX).saturating_mul(LIST_WORTH);
        // Other clients' runs may come first in the list. The more runs are missing, the further the round goes.
        if count >= PAGE_SIZE && wanted >= LIST_FROM && cost <= round.found + wanted / LIST_FAITH {
            round.page += 1;
            round.is_in_flight = false;
            self.round = Some(round);
            return;
        }
        self.looks_first = MOST_AT_ONCE;
        for run in self.runs.iter_mut().filter(|run| is_wanted(run) && run.due <= now) {
            run.next = Next::Look;
        }
        if round.found < cost {
            self.list_after = now + LIST_PAUSE_MS;
        }
    }

    /// Takes a run from a page of the list. `looks` counts the runs that wait for a look of their own.
    fn take_listed(&mut self, at: usize, round: u32, item: &Value, looks: &mut usize, now: f64, random: f64) {
        let asks_steps = self.offers.steps;
        let Some(run) = self.runs.get_mut(at).filter(|run| run.is_idle()) else {
            return;
        };
        run.round = round;
        if run.listed == *item {
            run.has_answer = true;
            run.failing_since = None;
            return run.schedule(0.0, now, random);
        }
        let lacks_tasks = run.wants_tasks() && asks_steps && !has_tasks(item);
        if run_state(item).is_final() && (run.wants_whole() || lacks_tasks) {
            run.end_at(now);
        } else if lacks_tasks && *looks < MOST_AT_ONCE {
            *looks += 1;
            run.next = Next::Look;
            run.due = now;
        } else {
            let data = run.overlaid(item);
            run.settle(data, None, &mut self.news);
            run.schedule(0.0, now, random);
            if lacks_tasks {
                // The tasks are read later, when fewer runs have changed. The followers get what the list shows now.
                return;
            }
        }
        run.listed = item.clone();
    }
}
