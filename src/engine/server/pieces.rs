//! Writes long lists in pieces. A reply says with [`Instruction::Rest`] where its body continues, and the host asks for
//! the next piece when the client reads on.

use super::reply::{Instruction, Reply};
use super::respond::{ENVELOPE, written};
use crate::engine::view::shown::{Shown, View};
use crate::json::{JsonWriter, parse_json, write_json};
use crate::time::Millis;
use serde_json::Value;

/// The most items of a piece.
pub const ITEMS: usize = 500;
/// A piece ends after the item that makes it this long, in bytes.
pub const BYTES: usize = 256 * 1_024;

/// The place of an item: places rise within a list. Items of the same moment differ in the second number.
pub(super) type Place = (u64, usize);

/// The place of an item by its position.
pub(super) fn place(at: impl Into<usize>) -> Place {
    (u64::try_from(at.into()).unwrap_or(u64::MAX), 0)
}

/// The position of an item by its place.
pub(super) fn position<P: From<usize>>((at, _): Place) -> P {
    usize::try_from(at).unwrap_or(usize::MAX).into()
}

/// Gives items places by their moments. Items of the same moment must follow each other.
pub(super) fn placed<'a, T: 'a>(
    items: impl Iterator<Item = (Millis, T)> + 'a,
) -> impl Iterator<Item = (Place, T)> + 'a {
    items.scan((0, 0), |next: &mut Place, (at, item)| {
        let place = if at > next.0 { (at, 0) } else { *next };
        *next = (place.0, place.1 + 1);
        Some((place, item))
    })
}

/// Items from a place on; `None` for an item that is not shown.
pub(super) type Items<'a> = Box<dyn Iterator<Item = (Place, Option<Shown<'a>>)> + 'a>;

/// The start of a piece.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    /// The number of the list in the answer.
    pub(super) list: usize,
    pub(super) place: Place,
    /// How many items of that list came before.
    pub(super) given: usize,
}

/// An answer with lists. Text stands before each list and after the last one. Only the last piece writes the end.
pub(super) struct Listing<'a> {
    pub(super) lists: Vec<(String, Items<'a>)>,
    pub(super) end: Box<dyn FnOnce() -> String + 'a>,
}

/// A part of a listing, and the start of the next one.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) next: Option<Start>,
}

impl<'a> Listing<'a> {
    /// The object `{before…, name: [items], after…}` in the envelope.
    pub(super) fn new(
        before: &View,
        name: &str,
        items: Items<'a>,
        after: impl FnOnce() -> View<'a> + 'a,
    ) -> Self {
        let mut begin = JsonWriter::compact();
        begin.raw(ENVELOPE);
        begin.open('{');
        before.write_entries(&mut begin);
        begin.key(name);
        begin.raw("[");
        let end = || {
            let mut end = JsonWriter::compact();
            // The entry before this is the list.
            end.close(']');
            after().write_entries(&mut end);
            end.raw("}}");
            end.finish()
        };
        Self { lists: vec![(begin.finish(), items)], end: Box::new(end) }
    }

    /// The piece from `start` on; `None` is the beginning of the answer.
    pub(super) fn cut(self, start: Option<Start>) -> Piece {
        let (mut text, mut looked, mut items_end) = (String::new(), 0, BYTES);
        let begun = start.map(|start| start.list);
        let Start { list: first, mut given, .. } = start.unwrap_or_default();
        for (list, (before, items)) in self.lists.into_iter().enumerate().skip(first) {
            if Some(list) != begun {
                items_end += before.len();
                text.push_str(&before);
            }
            for (place, item) in items {
                if looked == ITEMS || text.len() >= items_end {
                    return Piece { text, next: Some(Start { list, place, given }) };
                }
                looked += 1;
                let Some(item) = item else { continue };
                if given > 0 {
                    text.push(',');
                }
                text.push_str(&item.text());
                given += 1;
            }
            given = 0;
        }
        text.push_str(&(self.end)());
        Piece { text, next: None }
    }
}

/// The answer with its first piece.
pub(super) fn first(url: &str, listing: Listing) -> Reply {
    let piece = listing.cut(None);
    let token = piece.token(url);
    Reply::with(written(200, piece.text), token.map(Instruction::Rest))
}

impl Piece {
    /// The token of the next piece of a request's answer.
    pub(super) fn token(&self, url: &str) -> Option<String> {
        self.next.map(|Start { list, place, given }| {
            let parts = vec![url.into(), list.into(), place.0.into(), place.1.into(), given.into()];
            write_json(&Value::Array(parts))
        })
    }
}

/// The request of a token, and the start of the piece.
pub(super) fn read_token(token: &str) -> Option<(String, Start)> {
    let token = parse_json(token).ok()?;
    let url = token.get(0).and_then(Value::as_str)?.to_owned();
    let number = |at: usize| token.get(at).and_then(Value::as_u64);
    let count = |at: usize| number(at).and_then(|count| usize::try_from(count).ok());
    Some((url, Start { list: count(1)?, place: (number(2)?, count(3)?), given: count(4)? }))
}
