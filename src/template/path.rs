//! The path inside a template.

use std::fmt;

/// Where a value is: a name and the steps down from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The first name, looked up in the scope.
    pub root: String,
    /// The steps from there.
    pub parts: Vec<Part>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Into an object; digits reach into a list too.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl Path {
    /// Reads a path, blanks around it ignored; `None` where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (root, mut rest) = split_name(text)?;
        if root.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return None;
        }
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let part;
            if let Some(after_dot) = rest.strip_prefix('.') {
                let (name, remainder) = split_name(after_dot)?;
                part = name.parse().map_or_else(|_| Part::Key(name.to_owned()), Part::Index);
                rest = remainder;
            } else {
                let inside = rest.strip_prefix('[')?;
                if let Some(quote @ ('"' | '\'')) = inside.chars().next() {
                    let (key, remainder) = inside.get(1..)?.split_once(quote)?;
                    part = Part::Key(key.to_owned());
                    rest = remainder.strip_prefix(']')?;
                } else {
                    let (index, remainder) = inside.split_once(']')?;
                    part = Part::Index(index.trim().parse().ok()?);
                    rest = remainder;
                }
            }
            parts.push(part);
        }
        Some(Self { root: root.to_owned(), parts })
    }
}

/// A name of letters, digits, `_` and `-` at the start of the text, and what follows.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
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

    #[test]
    fn refuses_what_is_no_path() {
        for text in
            ["", " ", ".a", "a.", "a..b", "a[", "a[x]", "a[\"x]", "a b", "a+b", "f(x)", "1a", "-a", "a[0]b"]
        {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }
}
