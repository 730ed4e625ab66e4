//! Random changes of text and of plain data. The random numbers are a xorshift: a case is its seed and nothing else.

use serde_json::{Map, Value, json};

/// Random numbers.
pub(crate) struct Rng(u64);

impl Rng {
    /// Those of a case.
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give neighbouring numbers (splitmix64).
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((state ^ (state >> 31)) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap() % end.max(1)
    }

    /// One of several.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Text that means something to one of the readers.
const TOKENS: [&str; 48] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "-",
    "1e999",
    "0.1",
    "{{",
    "}}",
    "${",
    "a.b[0]",
    "'",
    "(",
    ")",
    " and ",
    " not ",
    " in ",
    "==",
    "contains",
    "* * * * *",
    "@every ",
    "1h",
    "PT",
    "P1D",
    "T",
    "Z",
    "+00:00",
    "2030-02-29",
    "W53",
    "\n",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "!!python/object:x ",
    "|\n",
    "#",
    "é",
    "\u{feff}",
    "\u{2028}",
    "9999999999999999999",
];

/// The text with a few changes.
pub(crate) fn text(text: &str, other: &str, rng: &mut Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=rng.below(6) {
        let at = rng.below(chars.len() + 1);
        let end = (at + rng.below(8)).min(chars.len());
        match rng.below(5) {
            0 => drop(chars.drain(at..end)),
            1 => drop(chars.splice(at..at, rng.pick(&TOKENS).chars())),
            2 => drop(chars.splice(at..end, rng.pick(&TOKENS).chars())),
            3 => {
                let part: Vec<char> = chars[at..end].to_vec();
                for _ in 0..rng.below(20) {
                    chars.splice(at..at, part.iter().copied());
                }
            }
            _ => {
                let from: Vec<char> = other.chars().collect();
                let start = rng.below(from.len() + 1);
                let stop = (start + rng.below(60)).min(from.len());
                chars.splice(at..end, from[start..stop].iter().copied());
            }
        }
    }
    chars.into_iter().collect()
}

/// Changes a few parts of the data, some to parts of `other`.
pub(crate) fn value(value: &mut Value, other: &Value, rng: &mut Rng) {
    for _ in 0..=rng.below(4) {
        let new = match rng.below(3) {
            0 => scalar(rng),
            1 => part(other, rng).clone(),
            _ => part(value, rng).clone(),
        };
        change(value, new, rng);
    }
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.below(8) {
        0 => Value::Null,
        1 => json!(rng.below(2) == 0),
        2 => json!(-1),
        3 => json!(9_007_199_254_740_993_i64),
        4 => json!({}),
        5 => json!([]),
        6 => json!("{{a.stdout}}"),
        _ => Value::from(*rng.pick(&TOKENS)),
    }
}

/// Some part of the data.
fn part<'a>(value: &'a Value, rng: &mut Rng) -> &'a Value {
    let inner = match value {
        Value::Object(map) if !map.is_empty() => map.values().nth(rng.below(map.len())),
        Value::Array(items) if !items.is_empty() => Some(rng.pick(items)),
        _ => None,
    };
    match inner {
        Some(inner) if rng.below(4) > 0 => part(inner, rng),
        _ => value,
    }
}

fn change(value: &mut Value, new: Value, rng: &mut Rng) {
    let stops = rng.below(6) == 0;
    match value {
        Value::Object(map) if !map.is_empty() => change_object(map, new, stops, rng),
        Value::Array(items) if !items.is_empty() => {
            let at = rng.below(items.len());
            match (stops, rng.below(3)) {
                (true, 0) => drop(items.remove(at)),
                (true, 1) => items.push(new),
                (true, _) => items[at] = new,
                (false, _) => change(&mut items[at], new, rng),
            }
        }
        other => *other = new,
    }
}

fn change_object(map: &mut Map<String, Value>, new: Value, stops: bool, rng: &mut Rng) {
    let key = map.keys().nth(rng.below(map.len())).unwrap().clone();
    match (stops, rng.below(3)) {
        (true, 0) => drop(map.shift_remove(&key)),
        (true, 1) => drop(map.insert(rng.pick(&TOKENS).to_string(), new)),
        (true, _) => drop(map.insert(key, new)),
        (false, _) => change(&mut map[&key], new, rng),
    }
}
