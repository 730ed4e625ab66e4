//! The forms in which a secret may stand in a text, and the search for them.

use super::spelling::{
    Base, Readings, Unit, after_fold, after_line_of_dump, after_text_of_dump, number, readings,
};
use super::trie::{ROOT, Trie};
use std::collections::BTreeSet;

/// The shortest part of an encoded secret that is searched for, in characters.
const SHORTEST_ENCODED: usize = 5;
/// The shortest line of a secret that is searched for by itself, in characters.
const SHORTEST_LINE: usize = 8;
/// The first bytes of a secret are struck out even without the rest. This bounds the search at each character:
/// otherwise a text of many such beginnings would be searched for the whole secret at every one of them.
const LONGEST_SEARCH: usize = 64;
/// Stands for a row of quotes and backslashes. Escaping repeats and mixes them, so neither their number nor their kind
/// matters.
const QUOTES: u8 = b'\'';
/// The longest such row that is read, in characters.
const LONGEST_ROW: usize = 8;

/// All forms of all secrets.
#[derive(Clone, PartialEq)]
pub(super) struct Forms {
    trie: Trie,
    /// For each ASCII character, whether a form may begin with it in some spelling.
    may_begin: [bool; 128],
}

impl Default for Forms {
    fn default() -> Self {
        Self { trie: Trie::default(), may_begin: [false; 128] }
    }
}

/// The end of a walk along characters with one reading: the node, the number of characters, and whether the next one
/// leads nowhere.
struct Plain {
    at: usize,
    length: usize,
    is_over: bool,
}

/// The memory of a search, reused over a whole text.
#[derive(Default)]
pub(super) struct Search<'a> {
    /// Open branches of the search: the node, the rest of the text, and the number of quotes of the present row.
    open: Vec<(usize, &'a str, usize)>,
    /// The branches seen, by node and length of the rest. Two readings may lead to the same one.
    seen: BTreeSet<(usize, usize)>,
    found: Readings<'a>,
}

impl Forms {
    /// Whether there are no forms.
    pub(super) fn is_empty(&self) -> bool {
        self.trie.is_empty()
    }

    /// Adds a secret: its text, its lines, and their base64 at each of the three possible offsets.
    pub(super) fn add(&mut self, secret: &str) {
        self.insert(secret);
        if secret.contains('\n') {
            let lines = secret.lines().map(str::trim).filter(|line| line.chars().count() >= SHORTEST_LINE);
            lines.for_each(|line| self.insert(line));
        }
        for before in 0..3 {
            let encoded = encoded_after(before, secret.as_bytes());
            if encoded.len() >= SHORTEST_ENCODED {
                self.insert(&encoded.replace('+', "-").replace('/', "_"));
                self.insert(&encoded);
            }
        }
    }

    fn insert(&mut self, text: &str) {
        self.insert_bytes(&bytes_of_text(text, folded));
        // Escaped bytes keep the letter case of characters beyond ASCII, and lists of numbers keep rows of quotes as
        // well.
        self.insert_bytes(&bytes_of_text(
            text,
            |next| if next.is_ascii() { folded(next) } else { as_it_is(next) },
        ));
        self.insert_bytes(&text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>());
    }

    fn insert_bytes(&mut self, bytes: &[u8]) {
        self.trie.insert(bytes);
        let is_first = |byte: u8| bytes.first() == Some(&byte);
        for (byte, may_begin) in (0..).zip(&mut self.may_begin) {
            *may_begin |= b"\\%=&".contains(&byte) || is_first(folded(byte.into()).0[0]);
        }
    }

    /// Whether a form may begin with the character.
    fn may_begin_with(&self, first: char) -> bool {
        let ascii = u8::try_from(first).ok().and_then(|byte| self.may_begin.get(usize::from(byte)));
        ascii.copied().unwrap_or_else(|| self.trie.step(ROOT, folded(first).0[0]).is_some())
    }

    /// The length of a form, or of a beginning that is long enough to be struck out, that ends at the node.
    fn is_found(&self, at: usize) -> Option<usize> {
        self.trie.node(at).filter(|node| node.ends || node.depth >= LONGEST_SEARCH).map(|node| node.depth)
    }

    /// The rest of the text after the longest secret at its start, in any spelling. `before` is the character before
    /// it.
    pub(super) fn after_secret<'a>(
        &self,
        text: &'a str,
        before: Option<char>,
        search: &mut Search<'a>,
    ) -> Option<&'a str> {
        let first = text.chars().next()?;
        // In a row of backslashes, the search from the first one covers all.
        if first == '\\' && before == Some('\\') {
            return None;
        }
        let mut longest = None;
        if self.may_begin_with(first) {
            longest = self.spelled(text, before, search);
        }
        if first.is_ascii_hexdigit() {
            longest = longest.max(self.numbered(text, Base::Sixteen));
        }
        if first.is_ascii_digit() && !before.is_some_and(|before| before.is_ascii_digit()) {
            longest = longest.max(self.numbered(text, Base::Ten)).max(self.numbered(text, Base::Eight));
        }
        longest.and_then(|(_, length)| text.get(length..))
    }

    /// The longest form at the start of a text, as its length and the bytes of the text that it takes, spelled in
    /// characters.
    fn spelled<'a>(
        &self,
        text: &'a str,
        before: Option<char>,
        search: &mut Search<'a>,
    ) -> Option<(usize, usize)> {
        let Search { open, seen, found } = search;
        // In a row of quotes, the search has begun at the first one.
        let is_in_row = before.is_some_and(|before| matches!(before, '\'' | '"' | '\\'));
        let mut longest = None;
        seen.clear();
        open.push((ROOT, text, 0));
        while let Some((at, rest, row)) = open.pop() {
            let plain = self.follow_plain(at, rest);
            let (at, rest) = (plain.at, rest.get(plain.length..).unwrap_or_default());
            if let Some(depth) = self.is_found(at).filter(|_| plain.length > 0) {
                longest = longest.max(Some((depth, text.len() - rest.len())));
            }
            if plain.is_over || (plain.length > 0 && !seen.insert((at, rest.len()))) {
                continue;
            }
            let row = if plain.length > 0 { 0 } else { row };
            let Some(node) = self.trie.node(at) else { continue };
            if let Some(rest) = after_fold(rest).filter(|_| at != ROOT)
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
                let next = self.trie.walk(at, bytes).filter(|_| !(at == ROOT && is_quote && is_in_row));
                let Some(next) = next.filter(|next| seen.insert((*next, rest.len()))) else { continue };
                open.push((next, rest, 0));
                if let Some(depth) = self.is_found(next) {
                    longest = longest.max(Some((depth, text.len() - rest.len())));
                }
            }
        }
        longest
    }

    /// Follows characters that have one reading, up to the end of a form.
    fn follow_plain(&self, mut at: usize, text: &str) -> Plain {
        let mut length = 0;
        for byte in text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.:/ ".contains(byte)) {
            let Some(next) = self.trie.step(at, byte.to_ascii_lowercase()) else {
                return Plain { at, length, is_over: true };
            };
            (at, length) = (next, length + 1);
            if self.trie.node(at).is_some_and(|node| node.ends) {
                break;
            }
        }
        Plain { at, length, is_over: false }
    }

    /// The longest form at the start of a text, spelled as a list of numbers, one for each byte. In a dump, the text
    /// beside the numbers belongs to it.
    fn numbered(&self, text: &str, base: Base) -> Option<(usize, usize)> {
        let mut longest = None;
        let (mut at, mut rest) = (ROOT, text);
        let step = |at: usize, rest, is_first| {
            let (byte, after) = number(rest, base, is_first)?;
            Some((self.trie.step(at, byte.to_ascii_lowercase())?, after))
        };
        let in_next_line = |at, rest| step(at, after_line_of_dump(rest).filter(|_| at != ROOT)?, true);
        while let Some((next, after)) = step(at, rest, at == ROOT).or_else(|| in_next_line(at, rest)) {
            (at, rest) = (next, after);
            if let Some(depth) = self.is_found(at) {
                let after = after_text_of_dump(rest).filter(|_| base == Base::Sixteen).unwrap_or(rest);
                longest = Some((depth, text.len() - after.len()));
            }
        }
        longest
    }
}

/// The bytes that stand for a unit in a form, and their number.
fn bytes_of(unit: Unit) -> Option<([u8; 4], usize)> {
    match unit {
        Unit::Byte(byte) if byte >= 0x80 => Some(([byte, 0, 0, 0], 1)),
        Unit::Byte(byte) => Some(folded(byte.into())),
        Unit::Code(code) => char::from_u32(code).map(folded),
    }
}

/// A character without letter case, all quotes being the same, as bytes and their number.
fn folded(character: char) -> ([u8; 4], usize) {
    let mut lower = character.to_lowercase();
    let lower = match (lower.next(), lower.next()) {
        (Some('\\' | '"'), _) => char::from(QUOTES),
        (Some(lower), None) => lower,
        _ => character,
    };
    as_it_is(lower)
}

fn as_it_is(character: char) -> ([u8; 4], usize) {
    let mut bytes = [0; 4];
    let length = character.encode_utf8(&mut bytes).len();
    (bytes, length)
}

/// The bytes that stand for a text in a form. A row of quotes counts as one.
fn bytes_of_text(text: &str, bytes_of: impl Fn(char) -> ([u8; 4], usize)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for (next, length) in text.chars().map(bytes_of) {
        let next = next.get(..length).unwrap_or_default();
        if next != [QUOTES] || bytes.last() != Some(&QUOTES) {
            bytes.extend_from_slice(next);
        }
    }
    bytes
}

/// The base64 of bytes that follow `before` other bytes, without the characters that depend on neighbours.
fn encoded_after(before: usize, bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    // The first bit at which a base64 character begins.
    let first = (6 - before * 8 % 6) % 6;
    let characters = (bytes.len() * 8).saturating_sub(first) / 6;
    (0..characters)
        .filter_map(|character| {
            let value = (0..6).fold(0, |value, at| value << 1 | bit(first + character * 6 + at));
            ALPHABET.get(usize::from(value)).map(|letter| char::from(*letter))
        })
        .collect()
}
