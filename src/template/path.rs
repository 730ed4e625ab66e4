//! The path inside a template.

use std::fmt;

/// Where a value is found: a name, and the steps from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The first name, looked up in the scope.
    pub root: String,
    /// The steps from the value of the root.
    pub parts: Vec<Part>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A field of an object. Digits are a position in a list, too.
    Key(String),
    /// A position in a list.
    Index(usize),
}

impl Path {
    /// Reads a path and ignores blanks around it; `None` for other text.
    ///
    /// ```
    /// use highway_wasm::template::Path;
    ///
    /// assert_eq!(Path::parse(" fetch.body[0].id ").unwrap().root, "fetch");
    /// assert_eq!(Path::parse("a + b"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_prefix(text.trim()).and_then(|(path, rest)| rest.is_empty().then_some(path))
    }

    /// Whether text can be the first name of a path.
    pub(crate) fn is_name(text: &str) -> bool {
        Self::parse_prefix(text).is_some_and(|(path, rest)| rest.is_empty() && path.parts.is_empty())
    }

    /// The longest path at the start of the text, and the rest of the text.
    pub(crate) fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let (root, mut rest) = split_name(text)?;
        if root.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return None;
        }
        let mut parts = Vec::new();
        while let Some((part, after)) = split_part(rest) {
            parts.push(part);
            rest = after;
        }
        Some((Self { root: root.to_owned(), parts }, rest))
    }
}

/// The path in an expression that Highway cannot compute, for advice: `a.b` of `{{ a.b.strip() }}`, of `not a.b` and of
/// `len(a.b)`.
pub(crate) fn path_in(text: &str) -> Option<Path> {
    let mut rest = text.trim_start_matches(|c: char| !is_name_part(c));
    while let Some((mut path, after)) = Path::parse_prefix(rest) {
        let is_call = after.starts_with('(');
        if is_call {
            path.parts.pop();
        }
        // A single word may be an operator or a function.
        if !path.parts.is_empty() {
            return Some(path);
        }
        if !is_call && after.trim_matches(|c: char| !is_name_part(c)).is_empty() {
            return Some(path);
        }
        rest = after.trim_start_matches(|c: char| !is_name_part(c));
    }
    None
}

/// The step at the start of the text, and the rest of the text.
fn split_part(text: &str) -> Option<(Part, &str)> {
    if let Some(after_dot) = text.strip_prefix('.') {
        let (name, rest) = split_name(after_dot)?;
        // `.07` is a name: a number would lose the zero.
        let index = name.parse().ok().filter(|_| name == "0" || !name.starts_with('0'));
        return Some((index.map_or_else(|| Part::Key(name.to_owned()), Part::Index), rest));
    }
    let inside = text.strip_prefix('[')?;
    if let Some(quote @ ('"' | '\'')) = inside.chars().next() {
        let (key, rest) = inside.get(1..)?.split_once(quote)?;
        return Some((Part::Key(key.to_owned()), rest.strip_prefix(']')?));
    }
    let (index, rest) = inside.split_at_checked(inside.find(|c: char| !c.is_ascii_digit() && c != ' ')?)?;
    Some((Part::Index(index.trim().parse().ok()?), rest.strip_prefix(']')?))
}

/// Whether a name may contain the character: letters, digits, `_` and `-`. Every character beyond ASCII except blanks
/// counts as a letter, since the tables of letters would add 2 KB to every page's download.
fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-' || !(c.is_ascii() || c.is_whitespace())
}

/// The name at the start of the text, and the rest of the text.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !is_name_part(c)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(name, _)| !name.is_empty())
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.root)?;
        for part in &self.parts {
            match part {
                Part::Key(key) if split_name(key).is_some_and(|(_, rest)| rest.is_empty()) => {
                    write!(formatter, ".{key}")?;
                }
                Part::Key(key) => write!(formatter, "[\"{key}\"]")?,
                Part::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_step() {
        let path = Path::parse(" a-b.c[0].d[\"x y\"].2.größe ").unwrap();
        assert_eq!(path.root, "a-b");
        assert_eq!(
            path.parts,
            [
                Part::Key("c".into()),
                Part::Index(0),
                Part::Key("d".into()),
                Part::Key("x y".into()),
                Part::Index(2),
                Part::Key("größe".into())
            ]
        );
        assert_eq!(path.to_string(), "a-b.c[0].d[\"x y\"][2].größe");
    }

    /// Trimming and names must agree on blanks, so that every reader of `{{ name }}` sees the same name.
    #[test]
    fn no_blank_is_part_of_a_name() {
        for blank in ['\u{a0}', '\u{85}', '\u{2028}', '\u{3000}'] {
            let (path, rest) =
                Path::parse_prefix(&format!("a.b{blank}")).map(|(path, rest)| (path, rest.len())).unwrap();
            assert_eq!((path.to_string().as_str(), rest), ("a.b", blank.len_utf8()));
            assert_eq!(Path::parse(&format!("a{blank}b")), None);
        }
    }

    #[test]
    fn finds_the_path_that_a_text_computes_with() {
        for (text, expected) in [
            ("{{ a.b.strip() }}", "a.b"),
            ("{{ not inputs.n }}", "inputs.n"),
            ("{{ len(a.stdout) }}", "a.stdout"),
            ("{{ inputs.x || 'y' }}", "inputs.x"),
            ("{{ a b[0] }}", "b[0]"),
            ("{{a.}}", "a"),
        ] {
            assert_eq!(path_in(text).map(|path| path.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "{{ 1 }}", "{{ now() }}", "{{ 1 + 2 }}"] {
            assert_eq!(path_in(text), None, "{text}");
        }
    }

    #[test]
    fn digits_keep_their_zeros() {
        assert_eq!(
            Path::parse("a.0.07.70").unwrap().parts,
            [Part::Index(0), Part::Key("07".into()), Part::Index(70)]
        );
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in
            ["", " ", ".a", "a.", "a..b", "a[", "a[x]", "a[\"x]", "a b", "a+b", "f(x)", "1a", "-a", "a[0]b"]
        {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }
}
