//! Lists that may be long are written in pieces: an answer says with a header where it goes on, and the host asks for the
//! next piece as the body is read.

use super::lists;
use super::respond::{ENVELOPE, written};
use super::routes::{self, Query, Route};
use crate::engine::Engine;
use crate::engine::view::shown::{Shown, View};
use crate::http::HttpResponse;
use crate::json::{JsonWriter, parse_json, write_json};
use serde_json::Value;

/// The header that says where an answer goes on, for the host alone.
pub const REST: &str = "x-highway-rest";
/// Items that a piece looks at.
pub const ITEMS: usize = 500;
/// Bytes of items after which a piece ends.
pub const BYTES: usize = 256 * 1_024;

/// Where an item stands: places only rise within a list. Two items of one moment differ in the second number.
pub(super) type Place = (u64, usize);

/// Items from a place on; nothing for an item that is not shown.
pub(super) type Items<'a> = Box<dyn Iterator<Item = (Place, Option<Shown<'a>>)> + 'a>;

/// Where a piece begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    /// In which list of the answer.
    pub(super) list: usize,
    pub(super) place: Place,
    /// How many items of that list were given before.
    pub(super) given: usize,
}

/// An answer with lists: each one follows some text, and text follows the last one. The end is written for the last piece alone.
pub(super) struct Listing<'a> {
    pub(super) lists: Vec<(String, Items<'a>)>,
    pub(super) end: Box<dyn FnOnce() -> String + 'a>,
}

/// A part of a listing, and where the next one begins.
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
            // The list is the entry before.
            end.close(']');
            after().write_entries(&mut end);
            end.raw("}}");
            end.finish()
        };
        Self { lists: vec![(begin.finish(), items)], end: Box::new(end) }
    }

    /// The piece that begins here; nothing stands for the beginning of the answer.
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
pub(super) fn first(url: &str, listing: Listing) -> HttpResponse {
    let Piece { text, next } = listing.cut(None);
    let mut answer = written(200, text);
    answer.headers.extend(next.map(|next| (REST.to_owned(), token(url, next))));
    answer
}

/// The next piece of an answer, and what says where it goes on after that; nothing where what was listed is gone.
pub fn rest(engine: &Engine, token: &str) -> Option<(String, Option<String>)> {
    let token = parse_json(token).ok()?;
    let url = token.get(0).and_then(Value::as_str)?;
    let number = |at: usize| token.get(at).and_then(Value::as_u64);
    let count = |at: usize| number(at).and_then(|count| usize::try_from(count).ok());
    let start = Start { list: count(1)?, place: (number(2)?, count(3)?), given: count(4)? };
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let Ok(Route::List(list)) = routes::find("GET", path) else { return None };
    let query = Query::parse(query);
    let Piece { text, next } = lists::listing(engine, &list, &query, start).ok()?.cut(Some(start));
    Some((text, next.map(|next| self::token(url, next))))
}

fn token(url: &str, start: Start) -> String {
    let Start { list, place, given } = start;
    write_json(&Value::Array(vec![url.into(), list.into(), place.0.into(), place.1.into(), given.into()]))
}
