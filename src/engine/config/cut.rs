//! Cuts texts to a length.

/// The mark at the end of a text that was cut.
const CUT: &str = " […]";

/// A text of at most `limit` bytes, plus the mark if it was cut.
pub(in crate::engine) fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let (kept, _) = text.split_at(whole_up_to(&text, limit.saturating_sub(CUT.len())));
    format!("{kept}{CUT}")
}

/// The last byte position, at most `byte`, between two characters.
pub(in crate::engine) fn whole_up_to(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}
