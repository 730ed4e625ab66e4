//! Cuts a text into templates and the text between them, in one pass.

use super::Path;
use crate::text::cut;

/// Which spellings count as templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Only `{{ path }}`: in a shell command, `${name}` belongs to the shell.
    Braces,
    /// `{{ path }}`, and `${path}` if its first name is known.
    BracesAndDollar,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stays as it is.
    Text(&'a str),
    /// Text between `{% raw %}` and `{% endraw %}`, which stays as it is.
    Raw(&'a str),
    /// A template.
    Template {
        /// The path to its value.
        path: Path,
        /// The template as written, braces included.
        source: &'a str,
    },
    /// Text that begins like a template but is none: `{{a + 1}}`, or `{% raw %}` without its end.
    Invalid(&'a str),
}

/// The pieces of a text, in order. Together they are the text without the tags `{% raw %}` and `{% endraw %}`. Blanks
/// inside a tag are ignored, and a `-` (`{%- raw -%}`) removes the blanks and line breaks on its side, as in Jinja.
///
/// ```
/// use highway_wasm::template::{Piece, Syntax, pieces};
///
/// let found: Vec<Piece<'_>> = pieces("{% raw %}{{json .}}{% endraw %} of {{a + 1}}", Syntax::Braces).collect();
/// assert_eq!(found, [Piece::Raw("{{json .}}"), Piece::Text(" of "), Piece::Invalid("{{a + 1}}")]);
/// ```
pub fn pieces(text: &str, syntax: Syntax) -> impl Iterator<Item = Piece<'_>> {
    Pieces { rest: text, syntax }
}

/// The paths of all templates in a text, in order, whether or not they name anything.
///
/// ```
/// use highway_wasm::template::{Syntax, paths};
///
/// let found = paths("{{day}}: ${backup.stdout}, {{ no path }}", Syntax::BracesAndDollar);
/// assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["day", "backup.stdout"]);
/// ```
pub fn paths(text: &str, syntax: Syntax) -> Vec<Path> {
    let path = |piece| if let Piece::Template { path, .. } = piece { Some(path) } else { None };
    pieces(text, syntax).filter_map(path).collect()
}

/// The path of a text that is one template or a path without braces. Guards name their variable either way.
///
/// ```
/// use highway_wasm::template::reference;
///
/// assert_eq!(reference(" {{ fetch.body[0] }} "), reference("fetch.body[0]"));
/// assert_eq!(reference("no {{template}}"), None);
/// ```
pub fn reference(text: &str) -> Option<Path> {
    let text = text.trim();
    let whole = |opening| template(text, opening).filter(|(_, rest)| rest.is_empty()).map(|(path, _)| path);
    whole("{{").or_else(|| whole("${")).or_else(|| Path::parse(text))
}

/// The path of the template at the start of the text, which `opening` opens, and the rest of the text.
pub(crate) fn template<'a>(text: &'a str, opening: &str) -> Option<(Path, &'a str)> {
    let (path, rest) = Path::parse_prefix(text.strip_prefix(opening)?.trim_start())?;
    let closing = if opening == "${" { "}" } else { "}}" };
    Some((path, rest.trim_start().strip_prefix(closing)?))
}

struct Pieces<'a> {
    rest: &'a str,
    syntax: Syntax,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        // Skips openings that begin no template, so that the text before the next template is one piece.
        let mut from = 0;
        while let Some(at) = self.opening(from) {
            let found = self.rest.get(at..).and_then(|rest| read(rest, self.syntax));
            match found {
                Some(_) if at > 0 => {
                    let text = self.take(at);
                    let is_trimmed = self.rest.starts_with("{%-");
                    return Some(Piece::Text(if is_trimmed { text.trim_end() } else { text }));
                }
                Some((piece, rest)) => {
                    self.rest = rest;
                    return Some(piece);
                }
                None => from = at + 1,
            }
        }
        Some(Piece::Text(self.take(self.rest.len())))
    }
}

impl<'a> Pieces<'a> {
    /// The byte of the next `{{`, `${` or `{%`.
    fn opening(&self, from: usize) -> Option<usize> {
        let is_opening = |pair: &[u8]| matches!(pair, b"{{" | b"{%" | b"${");
        self.rest.as_bytes().get(from..)?.windows(2).position(is_opening).map(|at| from + at)
    }

    /// Takes the text up to a byte.
    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

/// The piece at an opening, and the rest of the text; `None` if no template begins there.
fn read(text: &str, syntax: Syntax) -> Option<(Piece<'_>, &str)> {
    if text.starts_with("{%") {
        return raw(text);
    }
    let is_dollar = text.starts_with('$');
    if is_dollar && syntax == Syntax::Braces {
        return None;
    }
    if let Some((path, rest)) = template(text, if is_dollar { "${" } else { "{{" }) {
        let source = text.get(..text.len() - rest.len())?;
        return Some((Piece::Template { path, source }, rest));
    }
    let inside = text.get(2..).filter(|_| !is_dollar)?;
    let starts_like_a_name =
        inside.trim_start().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii());
    // If `{{` opens again before it closes, the outer one is text. The inner one is read next.
    let end = inside.as_bytes().windows(2).position(|pair| matches!(pair, b"{{" | b"}}"))?;
    let (source, rest) = text.split_at_checked(end + 4).filter(|_| starts_like_a_name)?;
    source.ends_with("}}").then_some((Piece::Invalid(source), rest))
}

/// The text between `{% raw %}` and `{% endraw %}`, and the rest after them.
fn raw(text: &str) -> Option<(Piece<'_>, &str)> {
    let inside = tag(text, "raw")?;
    let mut at = 0;
    while let Some((before, _)) = inside.get(at..).and_then(|rest| cut(rest, "{%")) {
        at += before.len();
        let (kept, end) = inside.split_at_checked(at)?;
        if let Some(rest) = tag(end, "endraw") {
            let kept = if end.starts_with("{%-") { kept.trim_end() } else { kept };
            return Some((Piece::Raw(kept), rest));
        }
        at += 2;
    }
    Some((Piece::Invalid(text), ""))
}

/// The rest of the text after a tag with this name at its start.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let inside = text.strip_prefix("{%")?;
    let inside = inside.strip_prefix('-').unwrap_or(inside).trim_start();
    let rest = inside.strip_prefix(name)?.trim_start();
    match rest.strip_prefix("-%}") {
        Some(rest) => Some(rest.trim_start()),
        None => rest.strip_prefix("%}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces as one text: a template as `<path>`, an invalid piece as `!source!`.
    fn shown(text: &str, syntax: Syntax) -> String {
        let show = |piece: Piece<'_>| match piece {
            Piece::Text(text) | Piece::Raw(text) => text.to_owned(),
            Piece::Template { path, .. } => format!("<{path}>"),
            Piece::Invalid(source) => format!("!{source}!"),
        };
        pieces(text, syntax).map(show).collect()
    }

    #[test]
    fn a_template_is_the_innermost_pair_of_braces() {
        for (text, expected) in [
            ("{{{a}}: 1}", "{<a>: 1}"),
            ("{{{a}}}", "{<a>}"),
            ("{{{{a}}}}", "{{<a>}}"),
            ("{{ x {{a}} }}", "{{ x <a> }}"),
            ("$${a}", "$<a>"),
            ("${{a}}", "$<a>"),
            ("${ {{a}} }", "${ <a> }"),
            ("{{a[\"}}\"].b}}", "<a[\"}}\"].b>"),
            ("{{a", "{{a"),
            ("{{a}", "{{a}"),
            ("{{a}{{b}}", "{{a}<b>"),
            ("{{a b}}{{c}}", "!{{a b}}!<c>"),
        ] {
            assert_eq!(shown(text, Syntax::BracesAndDollar), expected, "{text}");
        }
    }

    #[test]
    fn between_raw_and_endraw_nothing_is_a_template() {
        for (text, expected) in [
            ("{% raw %}{{a}}${a}{% endraw %}{{a}}", "{{a}}${a}<a>"),
            ("{%raw%}{{a}}{%endraw%}", "{{a}}"),
            ("{%\traw\n%}{{a}}{%  endraw%}", "{{a}}"),
            ("a {%- raw -%} {{a}} {%- endraw -%} b", "a{{a}}b"),
            ("a {% raw -%} {{a}} {% endraw %} {{a}}", "a {{a}}  <a>"),
            ("{{a}} {%-raw%} {{a}} {% endraw -%}\n b", "<a> {{a}} b"),
            ("{%- endraw -%} {%- x", "{%- endraw -%} {%- x"),
            ("{%raw%}{{a}}{% end raw %}", "!{%raw%}{{a}}{% end raw %}!"),
            ("{% raw %}{% endraw %}", ""),
            ("a{% raw %}{% raw %}{% if x %}{% endraw %}b", "a{% raw %}{% if x %}b"),
            ("{% endraw %}{{a}}", "{% endraw %}<a>"),
            ("{% rawest %}{{a}}", "{% rawest %}<a>"),
            ("{%", "{%"),
            ("{{a}}{% raw %}{{b}}", "<a>!{% raw %}{{b}}!"),
            ("{{a b {% raw %}}}{% endraw %}", "!{{a b {% raw %}}!}{% endraw %}"),
        ] {
            assert_eq!(shown(text, Syntax::BracesAndDollar), expected, "{text}");
        }
    }

    /// The time to read each of these must grow with their length, not with its square.
    #[test]
    fn long_texts_of_openings_are_read_once() {
        for part in [
            "{{",
            "{{a ",
            "{{{a",
            "{% raw %}",
            "{%",
            "{%- ",
            "{%     ",
            "{%raw%}{%",
            "${",
            "${a",
            "{{a[\"",
            "{{a['\"",
            "{{ ",
            "{{a}{",
            "}}",
        ] {
            let text = part.repeat(400_000 / part.len());
            assert!(pieces(&text, Syntax::BracesAndDollar).count() <= text.len(), "{part}");
        }
    }
}
