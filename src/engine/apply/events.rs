//! Keeps events, and drops the oldest ones.

use crate::engine::config::limits::Limit;
use crate::engine::state::State;
use crate::engine::state::sizes::{EVENT, size_of_event};
use serde_json::Value;
use std::collections::VecDeque;

/// The most events of one name that are kept for later tasks.
const MOST_EVENTS: usize = 1_000;

impl State {
    /// Keeps an event for later tasks. Beyond the limits, the oldest events are dropped.
    pub(in crate::engine) fn keep_event(&mut self, name: String, payload: Value) {
        self.last_event += 1;
        let number = self.last_event;
        self.counts_event(number, &name, &payload);
        let events = self.events.entry(name.clone()).or_default();
        events.push_back((number, payload));
        if events.len() > MOST_EVENTS
            && let Some((_, dropped)) = events.pop_front()
        {
            self.event_bytes = self.event_bytes.saturating_sub(size_of_event(&name, &dropped));
        }
        self.forget_order_of_dropped();
        let most = self.config.limits.get(Limit::EventBytes);
        while self.event_bytes > most
            && let Some((number, name)) = self.event_order.pop_front()
        {
            self.drop_event(number, &name);
        }
    }

    /// Rebuilds the order if most of it refers to events that were dropped because of the limit for one name.
    pub(super) fn forget_order_of_dropped(&mut self) {
        if self.event_order.len() < MOST_EVENTS + 2 * self.event_bytes / EVENT {
            return;
        }
        let events = &self.events;
        let is_kept = |(number, name): &(u64, String)| {
            events.get(name).and_then(VecDeque::front).is_some_and(|(oldest, _)| oldest <= number)
        };
        self.event_order.retain(is_kept);
    }

    pub(in crate::engine) fn counts_event(&mut self, number: u64, name: &str, payload: &Value) {
        self.event_bytes += size_of_event(name, payload);
        self.event_order.push_back((number, name.to_owned()));
    }

    /// Drops the oldest event of a name if it has this number. It may be dropped already.
    pub(super) fn drop_event(&mut self, number: u64, name: &str) {
        let Some(events) = self.events.get_mut(name) else { return };
        if events.front().is_some_and(|(oldest, _)| *oldest == number)
            && let Some((_, payload)) = events.pop_front()
        {
            self.event_bytes = self.event_bytes.saturating_sub(size_of_event(name, &payload));
        }
        if events.is_empty() {
            self.events.remove(name);
        }
    }
}
