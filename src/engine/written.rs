//! What the tools of running calls have written so far. It is in memory alone, and becomes a part of the run where an attempt ends without
//! a result of its own.

use super::run::StepState;
use super::secrets::Secrets;
use super::{Engine, Limit, Record};
use crate::json::object;
use crate::time::Millis;
use serde_json::Value;

/// Which output of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What it gives.
    Stdout,
    /// What it says beside that.
    Stderr,
}

/// What a call has written.
#[derive(Debug, Default)]
pub(super) struct CallOutput {
    stdout: Kept,
    stderr: Kept,
    /// When it wrote last.
    pub(super) at: Millis,
}

/// The beginning of an output.
#[derive(Debug, Default)]
struct Kept {
    text: String,
    /// Bytes behind it, which are not kept.
    dropped: usize,
}

impl Stream {
    /// The stream of a word; `stdout` for any that is none.
    pub fn of_word(word: &str) -> Self {
        if word == "stderr" { Self::Stderr } else { Self::Stdout }
    }
}

impl Kept {
    fn add(&mut self, text: &str, most: usize) {
        // Nothing follows a gap.
        let mut end = if self.dropped > 0 { 0 } else { most.saturating_sub(self.text.len()).min(text.len()) };
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(text.get(..end).unwrap_or_default());
        self.dropped += text.len() - end;
    }

    /// Whole lines without secrets: a secret whose end is still to come is not shown.
    fn lines(&self, secrets: &Secrets) -> String {
        let mut text = secrets.strike(self.text.clone());
        let sure = text.len().saturating_sub(secrets.longest_over_lines());
        let end = text.bytes().take(sure).rposition(|byte| byte == b'\n').map_or(0, |at| at + 1);
        text.truncate(end);
        text
    }

    /// All of it without secrets, as a tool gives its output.
    fn output(&self, secrets: &Secrets) -> String {
        if self.dropped > 0 {
            return format!("{}[{} more bytes were dropped]", self.lines(secrets), self.dropped);
        }
        let mut text = secrets.strike(self.text.clone());
        for end in ['\n', '\r'] {
            if text.ends_with(end) {
                text.pop();
            }
        }
        text
    }
}

impl Engine {
    /// Takes a piece of the output of a running tool, up to [`Limit::OutputBytes`] of each stream. Of a call that is over, or was given
    /// up, it is ignored.
    pub fn wrote(&mut self, call: u64, stream: Stream, text: &str, now: Millis) {
        let most = self.config.limits.get(Limit::OutputBytes);
        let Some((run, _)) = self.working_on(call) else { return };
        // A run that keeps too much takes no more.
        let most = if self.has_room(run, text.len()).is_ok() { most } else { 0 };
        let written = self.written.entry(call).or_default();
        written.at = now;
        match stream {
            Stream::Stdout => written.stdout.add(text, most),
            Stream::Stderr => written.stderr.add(text, most),
        }
    }

    /// The lines that a running step has written so far, by the names of the streams, and when it wrote last.
    pub(super) fn lines_so_far(&self, state: StepState) -> Option<([(&'static str, String); 2], Millis)> {
        let StepState::Running { call } = state else { return None };
        let written = self.written.get(&call)?;
        let lines = |kept: &Kept| kept.lines(&self.config.secrets);
        Some(([("stdout", lines(&written.stdout)), ("stderr", lines(&written.stderr))], written.at))
    }

    /// What the tool of a step has written, as the result of an attempt that has no other.
    pub(super) fn output_so_far(&self, run: usize, step: usize) -> Option<Value> {
        let StepState::Running { call } = self.step(run, step)?.state else { return None };
        let written = self.written.get(&call)?;
        let output = |kept: &Kept| Value::from(kept.output(&self.config.secrets));
        let result = object([("stdout", output(&written.stdout)), ("stderr", output(&written.stderr))]);
        self.may_give(run, &result, 1).is_ok().then_some(result)
    }

    /// Keeps what the tools of steps have written that are about to be cancelled.
    pub(super) fn keep_output(&mut self, run: usize, steps: &[usize]) {
        if self.written.is_empty() {
            return;
        }
        for step in steps.iter().copied() {
            if let Some(result) = self.output_so_far(run, step) {
                self.commit(Record::OutputKept { run, step, result });
            }
        }
    }
}
