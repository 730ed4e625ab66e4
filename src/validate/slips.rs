//! Texts that were meant as a template but are none, although nothing fails.

use super::known::Known;
use super::place::Place;
use super::texts::SHELL;
use crate::template::Path;
use crate::text::{cut, has};

/// The message and the advice.
type Slip = (String, String);

/// How a template of n8n begins after `{{`.
const OF_N8N: [&str; 7] = ["$json", "$node", "$input", "$items", "$(", "$env", "$vars"];

/// Looks for slips in the texts of one field.
pub(super) struct Slips<'a> {
    pub(super) place: &'a Place<'a>,
    pub(super) known: &'a Known<'a>,
    pub(super) is_known: &'a dyn Fn(&Path) -> bool,
}

impl Slips<'_> {
    /// The slip in a text between templates.
    pub(super) fn of_text(&self, text: &str) -> Option<Slip> {
        // Each of these slips contains a brace.
        if !has(text, "{") {
            return None;
        }
        let stays = |source: &str| format!("`{source}` is not a template, so it stays as it is");
        if let Some((_, after)) = cut(text, "{{") {
            let slip = self.opened(after).or_else(|| self.of_n8n(after));
            if slip.is_some() {
                return slip;
            }
        }
        if let Some(word) = statement(text) {
            return Some((stays(&format!("{{% {word}")), "use a `condition` or a `foreach` instead; put literal braces between `{% raw %}` and `{% endraw %}`".to_owned()));
        }
        if let Some(template) = half_opened(text).filter(|template| (self.is_known)(template)) {
            let message = format!("`{{{template}}}}}` is not opened, so it stays as it is");
            return Some((message, write(&template)));
        }
        if let Some(template) = self.of_shell(text) {
            let message = format!("the shell reads `${{{template}}}` as a variable of its own, and cannot");
            return Some((message, write(&template)));
        }
        let template = self.in_single_braces(text)?;
        Some((stays(&format!("{{{template}}}")), write(&template)))
    }

    /// The text that JavaScript writes for a missing value or an object (`undefined`, `[object Object]`), and whether
    /// the user may have meant it.
    pub(super) fn of_javascript(&self, text: &str) -> Option<(Slip, bool)> {
        if has(text, "[object Object]") {
            let message = "`[object Object]` is what JavaScript writes for an object".to_owned();
            return Some((
                (message, "give the object as it is, or its `JSON.stringify(…)`".to_owned()),
                false,
            ));
        }
        let is_word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$'));
        let is_whole = |word: &&str| {
            text.trim() == *word || (self.place.calls(SHELL) && text.split(is_word).any(|part| part == *word))
        };
        let word = ["undefined", "NaN"].into_iter().find(is_whole)?;
        let message = format!("`{word}` is JavaScript's word for a missing value");
        Some(((message, "to read a result, write `task.result.stdout`".to_owned()), true))
    }

    /// The slip after a `{{` that is not closed, or that a `-` follows.
    fn opened(&self, after: &str) -> Option<Slip> {
        let (inside, is_trimmed) = after.strip_prefix('-').map_or((after, false), |inside| (inside, true));
        let (template, rest) = Path::parse_prefix(inside.trim_start())?;
        let rest = rest.trim_start();
        if is_trimmed {
            let message = format!("`{{{{- {template}` is not a template, so it stays as it is");
            return (self.is_known)(&template).then(|| (message, write(&template)));
        }
        let is_open = rest.is_empty() || rest.starts_with('}') || (self.is_known)(&template);
        let message = format!("`{{{{{template}` is not closed, so it stays as it is");
        (is_open && !has(after, "}}")).then(|| (message, write(&template)))
    }

    /// The slip after a `{{` that begins a template of n8n.
    fn of_n8n(&self, after: &str) -> Option<Slip> {
        let (inside, _) = cut(after, "}}")?;
        let source = inside.trim();
        let word = OF_N8N.iter().find(|word| source.starts_with(**word))?;
        let way = source.get(word.len()..).unwrap_or_default();
        // `$json` alone may be a variable of a Go template.
        if !word.ends_with('(') && !way.starts_with(['.', '[', '(']) {
            return None;
        }
        let space = match *word {
            "$env" => Some("ENV"),
            "$vars" => Some("variables"),
            _ => None,
        };
        let meant = match space {
            Some(space) => Path::parse(&format!("{space}{way}")).map(|path| path.to_string()),
            None => self.quoted(source).or_else(|| {
                let [only] = self.place.operator.dependencies.as_slice() else { return None };
                self.known.first_field(only)
            }),
        };
        let help = meant.map_or_else(
            || "name the task that gives it, as in `{{TASK.FIELD}}`".to_owned(),
            |meant| format!("write `{{{{{meant}}}}}`"),
        );
        Some((format!("`{{{{{inside}}}}}` is not a template, so it stays as it is"), help))
    }

    /// A template without braces that names the result of a task, in a quoted text.
    pub(super) fn quoted(&self, text: &str) -> Option<String> {
        text.split(['"', '\'']).skip(1).step_by(2).find_map(|name| self.known.first_field(name))
    }

    /// The path in a `${path}` that a shell reads.
    fn of_shell(&self, text: &str) -> Option<Path> {
        let (_, after) = cut(text, "${").filter(|_| self.place.calls(SHELL))?;
        let (template, rest) = Path::parse_prefix(after)?;
        let is_meant = !template.parts.is_empty() && rest.starts_with('}') && (self.is_known)(&template);
        is_meant.then_some(template)
    }

    /// The field of a result in `{path}`. In Python code, it may be a placeholder of Python.
    fn in_single_braces(&self, text: &str) -> Option<Path> {
        if self.place.calls("tools.code.exec") || self.place.calls("tools.python.run") {
            return None;
        }
        let mut rest = text;
        while let Some((before, after)) = cut(rest, "{") {
            rest = after;
            let Some((template, end)) = Path::parse_prefix(after) else { continue };
            let is_single =
                end.starts_with('}') && !end.starts_with("}}") && !before.ends_with(['{', '$', '#', '%']);
            if is_single && !template.parts.is_empty() && self.known.is_result(&template.root) {
                return Some(template);
            }
        }
        None
    }

    /// The slip of a `$` before a template, which stays in the text. A shell reads `$` and the value as a variable,
    /// except in single quotes. A `$` before a price is right, before a secret it is not.
    pub(super) fn dollar(&self, template: &Path, before: &str, is_quoted: bool) -> Option<Slip> {
        before.strip_suffix('$').filter(|text| !text.ends_with(['\\', '$']))?;
        let is_shell = self.place.calls(SHELL) && !is_quoted;
        if !is_shell && !["secrets", "ENV"].contains(&template.root.as_str()) {
            return None;
        }
        let message = format!("the `$` before `{{{{{template}}}}}` stays, with the value behind it");
        Some((message, write(template)))
    }
}

fn write(template: &Path) -> String {
    format!("write `{{{{{template}}}}}`")
}

/// The first word of a Jinja statement.
fn statement(text: &str) -> Option<&str> {
    let (_, after) = cut(text, "{%")?;
    let inside = after.strip_prefix('-').unwrap_or(after).trim_start();
    let word = inside.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    ["if", "for", "set", "elif", "else", "endif", "endfor", "endraw"].contains(&word).then_some(word)
}

/// The path in `{path}}`.
fn half_opened(text: &str) -> Option<Path> {
    let (before, _) = cut(text, "}}")?;
    let (around, inside) = before.rsplit_once('{')?;
    Path::parse(inside).filter(|_| !around.ends_with(['{', '$']))
}
