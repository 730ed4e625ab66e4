//! The output so far of active calls. It is kept in memory only, and becomes part of the run if an attempt ends without
//! a result of its own.

use crate::engine::config::cut::whole_up_to;
use crate::engine::config::secrets::Secrets;
use crate::engine::state::State;
use crate::engine::state::positions::{RunIx, StepIx};
use crate::engine::state::step::StepState;
use crate::json::object;
use crate::time::Millis;
use serde_json::Value;
use std::collections::VecDeque;

/// One of the two outputs of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The output of a call.
#[derive(Debug, Default)]
pub(in crate::engine) struct CallOutput {
    pub(in crate::engine) stdout: Kept,
    pub(in crate::engine) stderr: Kept,
    /// The time of the latest output.
    pub(in crate::engine) at: Millis,
}

/// One output: its beginning and, if it is too long to be kept whole, its end.
#[derive(Debug, Default)]
pub(in crate::engine) struct Kept {
    beginning: String,
    /// The part after the beginning, of which the last bytes are kept.
    end: VecDeque<u8>,
    /// The number of bytes between the two that were dropped.
    dropped: usize,
    /// The number of complete lines, including dropped ones.
    lines: usize,
}

impl Stream {
    /// The stream with this name; `stdout` for any other word.
    pub fn of_word(word: &str) -> Self {
        if word == "stderr" { Self::Stderr } else { Self::Stdout }
    }

    /// The name of the stream, also in results.
    pub(in crate::engine) const fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl Kept {
    pub(in crate::engine) fn len(&self) -> usize {
        self.beginning.len() + self.end.len()
    }

    pub(in crate::engine) fn add(&mut self, text: &str, most: usize) {
        self.lines += line_ends(text);
        let room = if self.end.is_empty() && self.dropped == 0 {
            (most - most / 2).saturating_sub(self.beginning.len())
        } else {
            // After a gap, the beginning does not grow any more.
            0
        };
        let (first, rest) = text.split_at(whole_up_to(text, room));
        self.beginning.push_str(first);
        let room = most.saturating_sub(self.beginning.len());
        let too_much = (self.end.len() + rest.len()).saturating_sub(room);
        let of_end = too_much.min(self.end.len());
        self.end.drain(..of_end);
        self.end.extend(rest.as_bytes().iter().skip(too_much - of_end));
        self.dropped += too_much;
    }

    /// The end, from the first whole character on.
    fn end(&self) -> String {
        let bytes: Vec<u8> = self.end.iter().copied().skip_while(|byte| byte & 0xc0 == 0x80).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The kept output without secrets: one text, or two with a gap between them. The second one starts at a whole
    /// line, and after any bytes that may be the end of a secret.
    fn parts(&self, secrets: &Secrets) -> (String, Option<String>) {
        if self.dropped == 0 {
            return (secrets.strike(format!("{}{}", self.beginning, self.end())), None);
        }
        let beginning = whole_lines(secrets.strike(self.beginning.clone()), secrets);
        let end = secrets.strike(self.end());
        let sure = secrets.longest_over_lines().min(end.len());
        let sure = (sure..=end.len()).find(|at| end.is_char_boundary(*at)).unwrap_or(end.len());
        let (_, sure) = end.split_at(sure);
        let line = sure.find('\n').map_or(0, |at| at + 1);
        (beginning, Some(sure.get(line..).filter(|lines| !lines.is_empty()).unwrap_or(sure).to_owned()))
    }

    /// The beginning and the first `shown` bytes of the end as one text, with a note on the gap between them. The note
    /// counts lines, so that a reader who follows the output knows which lines at the end are new. A secret of several
    /// lines counts as one line if it is shown.
    fn joined(&self, beginning: &str, end: &str, shown: usize) -> String {
        let bytes = (self.len() + self.dropped).saturating_sub(beginning.len() + end.len());
        let lines = self.lines.saturating_sub(line_ends(beginning) + line_ends(end));
        let end = end.get(..shown).unwrap_or(end);
        format!("{beginning}[{bytes} bytes ({lines} lines) are left out here]\n{end}")
    }

    /// The complete lines without secrets. The start of a secret whose end has not come yet is not shown.
    fn lines(&self, secrets: &Secrets) -> String {
        match self.parts(secrets) {
            (text, None) => whole_lines(text, secrets),
            (beginning, Some(end)) => self.joined(&beginning, &end, whole_lines(end.clone(), secrets).len()),
        }
    }

    /// The whole output without secrets, as tools return it.
    fn output(&self, secrets: &Secrets) -> String {
        let mut text = match self.parts(secrets) {
            (text, None) => text,
            (beginning, Some(end)) => self.joined(&beginning, &end, end.len()),
        };
        for end in ['\n', '\r'] {
            if text.ends_with(end) {
                text.pop();
            }
        }
        text
    }
}

fn line_ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// The complete lines of a growing text without secrets. Text that may be the start of a secret is left out.
fn whole_lines(mut text: String, secrets: &Secrets) -> String {
    let sure = text.len().saturating_sub(secrets.longest_over_lines());
    let end = text.bytes().take(sure).rposition(|byte| byte == b'\n').map_or(0, |at| at + 1);
    text.truncate(end);
    text
}

impl State {
    /// The time of the latest output of a running step.
    pub(in crate::engine) fn wrote_at(&self, state: StepState) -> Option<Millis> {
        let StepState::Running { call } = state else { return None };
        self.call_outputs.get(&call).map(|written| written.at)
    }

    /// The lines of a running step so far.
    pub(in crate::engine) fn lines_so_far(&self, state: StepState, stream: Stream) -> Option<String> {
        let StepState::Running { call } = state else { return None };
        let written = self.call_outputs.get(&call)?;
        let kept = match stream {
            Stream::Stdout => &written.stdout,
            Stream::Stderr => &written.stderr,
        };
        Some(kept.lines(&self.config.secrets))
    }

    /// The output of a step's call as a result, for an attempt that has no other result.
    pub(in crate::engine) fn output_so_far(&self, run: RunIx, step: StepIx) -> Option<Value> {
        let StepState::Running { call } = self.step(run, step)?.state else { return None };
        let written = self.call_outputs.get(&call)?;
        self.add_searched(written.stdout.len() + written.stderr.len());
        let output = |kept: &Kept| Value::from(kept.output(&self.config.secrets));
        let result = object([("stdout", output(&written.stdout)), ("stderr", output(&written.stderr))]);
        self.may_give(run, &result, 1).is_ok().then_some(result)
    }
}
