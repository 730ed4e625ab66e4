//! What is looked for to find a secret, and where it is in a text.

use super::spelling::{Base, Readings, Unit, behind_fold, number, readings};
use super::trie::{ROOT, Trie};
use std::collections::BTreeSet;

/// Characters of the shortest part of an encoded text that is looked for.
const SHORTEST_ENCODED: usize = 5;
/// Characters of the shortest line that is looked for on its own.
const SHORTEST_LINE: usize = 8;
/// What stands for a row of quotes and backslashes: escapes repeat and mix them, so neither their number nor their kind says anything.
const QUOTES: u8 = b'\'';
/// Characters of the longest such row that is looked at.
const LONGEST_ROW: usize = 8;

/// What is looked for to find secrets.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Forms(Trie);

/// Room for a search, which is used for all of a text.
#[derive(Default)]
pub(super) struct Search<'a> {
    /// Nodes that a part of the text led to, what is left of it, and how many quotes of the same row have led there.
    open: Vec<(usize, &'a str, usize)>,
    /// The same, with the length of what is left: two readings may lead to one place.
    seen: BTreeSet<(usize, usize)>,
    found: Readings<'a>,
}

impl Forms {
    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a secret: the text itself, its lines, and what base64 makes of it, wherever it begins in what was encoded.
    pub(super) fn add(&mut self, secret: &str) {
        self.insert(secret);
        if secret.contains('\n') {
            let lines = secret.lines().map(str::trim).filter(|line| line.chars().count() >= SHORTEST_LINE);
            lines.for_each(|line| self.insert(line));
        }
        for before in 0..3 {
            let encoded = encoded_behind(before, secret.as_bytes());
            if encoded.len() >= SHORTEST_ENCODED {
                self.insert(&encoded.replace('+', "-").replace('/', "_"));
                self.insert(&encoded);
            }
        }
    }

    fn insert(&mut self, text: &str) {
        let mut bytes = Vec::with_capacity(text.len());
        for next in text.chars() {
            let (folded, length) = folded(next);
            let folded = folded.get(..length).unwrap_or_default();
            if folded != [QUOTES] || bytes.last() != Some(&QUOTES) {
                bytes.extend_from_slice(folded);
            }
        }
        self.0.insert(&bytes);
    }

    /// What is left behind the longest secret that a text begins with, in any spelling; `before` is the character before it.
    pub(super) fn behind_secret<'a>(
        &self,
        text: &'a str,
        before: Option<char>,
        search: &mut Search<'a>,
    ) -> Option<&'a str> {
        let first = text.as_bytes().first()?;
        // Of a row of backslashes the first is looked at for all.
        if *first == b'\\' && before == Some('\\') {
            return None;
        }
        let mut longest = self.spelled(text, before, search);
        if first.is_ascii_hexdigit() {
            longest = longest.max(self.numbered(text, Base::Sixteen));
        }
        if first.is_ascii_digit() && !before.is_some_and(|before| before.is_ascii_digit()) {
            longest = longest.max(self.numbered(text, Base::Ten));
        }
        longest.and_then(|(_, length)| text.get(length..))
    }

    /// How many bytes of the longest form a text begins with in characters, and how many of its own those are.
    fn spelled<'a>(
        &self,
        text: &'a str,
        before: Option<char>,
        search: &mut Search<'a>,
    ) -> Option<(usize, usize)> {
        let Search { open, seen, found } = search;
        // In a row of quotes a search began already where it begins.
        let is_in_row = before.is_some_and(|before| matches!(before, '\'' | '"' | '\\'));
        let mut longest = None;
        seen.clear();
        open.push((ROOT, text, 0));
        while let Some((at, rest, row)) = open.pop() {
            let Some(node) = self.0.node(at) else { continue };
            if let Some(rest) = behind_fold(rest).filter(|_| at != ROOT)
                && seen.insert((at, rest.len()))
            {
                open.push((at, rest, row));
            }
            readings(rest, found);
            for (unit, rest) in found.drain(..) {
                let Some((bytes, length)) = bytes_of(unit) else { continue };
                let bytes = bytes.get(..length).unwrap_or_default();
                let is_quote = bytes == [QUOTES];
                let may_stay = is_quote && node.byte == QUOTES && row < LONGEST_ROW;
                if may_stay && seen.insert((at, rest.len())) {
                    open.push((at, rest, row + 1));
                }
                let next = self.0.behind(at, bytes).filter(|_| !(at == ROOT && is_quote && is_in_row));
                let Some(next) = next.filter(|next| seen.insert((*next, rest.len()))) else { continue };
                open.push((next, rest, 0));
                if let Some(end) = self.0.node(next).filter(|node| node.ends) {
                    longest = longest.max(Some((end.depth, text.len() - rest.len())));
                }
            }
        }
        longest
    }

    /// The same for a text that is a list of numbers, one for each byte.
    fn numbered(&self, text: &str, base: Base) -> Option<(usize, usize)> {
        let mut longest = None;
        let (mut at, mut rest) = (ROOT, text);
        while let Some((byte, behind)) = number(rest, base, at == ROOT)
            && let Some(next) = self.0.behind(at, &[byte.to_ascii_lowercase()])
        {
            (at, rest) = (next, behind);
            if let Some(end) = self.0.node(at).filter(|node| node.ends) {
                longest = Some((end.depth, text.len() - rest.len()));
            }
        }
        longest
    }
}

/// The bytes that stand for a unit in what is looked for, and how many they are.
fn bytes_of(unit: Unit) -> Option<([u8; 4], usize)> {
    match unit {
        Unit::Byte(byte) if byte >= 0x80 => Some(([byte, 0, 0, 0], 1)),
        Unit::Byte(byte) => Some(folded(byte.into())),
        Unit::Code(code) => char::from_u32(code).map(folded),
    }
}

/// A character as one of all letter cases and quotes, and how many bytes it has.
fn folded(character: char) -> ([u8; 4], usize) {
    let mut bytes = [0; 4];
    let mut lower = character.to_lowercase();
    let lower = match (lower.next(), lower.next()) {
        (Some('\\' | '"'), _) => char::from(QUOTES),
        (Some(lower), None) => lower,
        _ => character,
    };
    let length = lower.encode_utf8(&mut bytes).len();
    (bytes, length)
}

/// The base64 of bytes that follow `before` others, without the characters that others share in.
fn encoded_behind(before: usize, bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    // The first bit that begins a character of six.
    let first = (6 - before * 8 % 6) % 6;
    let characters = (bytes.len() * 8).saturating_sub(first) / 6;
    (0..characters)
        .filter_map(|character| {
            let value = (0..6).fold(0, |value, at| value << 1 | bit(first + character * 6 + at));
            ALPHABET.get(usize::from(value)).map(|letter| char::from(*letter))
        })
        .collect()
}
