//! Hashes of content, and ids made from them.

use crate::json::write_json;
use serde_json::Value;
use sha2::{Digest, Sha256};

const PIECE: usize = 16 * 1_024;

/// SHA-256 of the JSON text of a definition, as hex.
pub fn definition_hash(definition: &Value) -> String {
    of_text(&write_json(definition))
}

/// SHA-256 of a text, as hex.
pub(in crate::engine) fn of_text(text: &str) -> String {
    of_bytes(text.as_bytes())
}

/// SHA-256 of bytes, as hex.
pub(in crate::engine) fn of_bytes(bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    // In pieces: an engine of WebAssembly optimises a running function only for its next call.
    bytes.chunks(PIECE).for_each(|piece| hasher.update(piece));
    let digest = hasher.finalize();
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// An id in the form of a UUID, made from a hash. Equal content has equal ids.
pub fn uuid_of(hash: &str) -> String {
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}
