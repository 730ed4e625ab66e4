//! Texts cut to a length.

/// What stands where a line was cut off.
const CUT: &str = " […]";

/// A text of up to `limit` bytes, which says where it was cut off.
pub(in crate::engine) fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let (kept, _) = text.split_at(whole_up_to(&text, limit.saturating_sub(CUT.len())));
    format!("{kept}{CUT}")
}

/// The last place up to a byte at which a text can be cut between two characters.
pub(in crate::engine) fn whole_up_to(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}
