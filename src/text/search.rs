//! Searches and joins text.
//!
//! The standard library's text search is built for long texts. With its panic messages it adds 3 KB to a page's
//! download (ARCHITECTURE.md, "Size"). The texts here are short, or are searched only once.

/// The byte at which `part` begins.
fn find(text: &str, part: &str) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    text.as_bytes().windows(part.len()).position(|window| window == part.as_bytes())
}

/// Whether the text contains `part`.
pub(crate) fn has(text: &str, part: &str) -> bool {
    find(text, part).is_some()
}

/// The texts before and after the first `part`.
pub(crate) fn cut<'a>(text: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let (before, rest) = text.split_at_checked(find(text, part)?)?;
    Some((before, rest.get(part.len()..)?))
}

/// The text with every `part` replaced by `by`.
pub(crate) fn replaced(text: &str, part: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = cut(rest, part).filter(|_| !part.is_empty()) {
        out.push_str(before);
        out.push_str(by);
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The parts with `glue` between them.
pub(crate) fn joined<Part: AsRef<str>>(parts: &[Part], glue: &str) -> String {
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(glue);
        }
        out.push_str(part.as_ref());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_what_the_standard_library_does() {
        for text in ["", "a", "aXb", "XX", "äXöXü", "no", "aXXb", "X"] {
            for part in ["X", "XX", "ä", "aXb", "zzzzzz"] {
                assert_eq!(find(text, part), text.find(part), "{text} {part}");
                assert_eq!(has(text, part), text.contains(part));
                assert_eq!(cut(text, part), text.split_once(part));
                assert_eq!(replaced(text, part, "-"), text.replace(part, "-"));
            }
            assert_eq!(replaced(text, "", "-"), text);
        }
        for parts in [&[][..], &["a"], &["a", "", "b"]] {
            assert_eq!(joined(parts, ", "), parts.join(", "));
        }
    }
}
