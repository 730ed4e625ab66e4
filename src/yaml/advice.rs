//! Advice on text that is not YAML, from common slips in the line of the error.

use super::YamlError;

/// The longest value that advice shows.
const SHOWN: usize = 80;

const BRACKETS: &str = "close each bracket that is opened, in its order";
const COLUMNS: &str =
    "begin the lines of one mapping or list in the same column, and nested lines further right";

/// Adds advice to an error of the grammar.
pub(super) fn advise(text: &str, error: &mut YamlError) {
    let lines: Vec<&str> = text.lines().collect();
    if error.message.contains("a tab") {
        // The parser reports it at the end of the line before.
        let indented =
            |line: &&str| line.split_once('\t').is_some_and(|(blanks, _)| blanks.trim().is_empty());
        let mut next = lines.iter().enumerate().skip(error.line).skip_while(|(_, line)| is_blank(line));
        if let Some((at, line)) = next.next().filter(|(_, line)| indented(line)) {
            let column = line.find('\t').unwrap_or_default() + 1;
            (error.line, error.column) = (at + 1, column);
        }
    }
    error.help = advice(&lines, error);
}

fn advice(lines: &[&str], error: &YamlError) -> Option<String> {
    let YamlError { line, column, message, .. } = error;
    let line = *line;
    if message == "too deeply nested" {
        return None;
    }
    if message.contains("byte order mark") {
        return Some("leave it out: files that are joined bring one each".to_owned());
    }
    let before = lines.get(..line.min(lines.len())).unwrap_or_default();
    // The parser often reports an error at the next token, which may be lines below.
    let slip = before.iter().rev().filter(|line| !is_blank(line)).take(2).find_map(|line| slip(line));
    let word = || {
        let from = lines.get(line.checked_sub(1)?)?.char_indices().nth(column.checked_sub(1)?)?.0;
        let word = lines.get(line - 1)?.get(from..)?.split([',', ']', '}', ' ']).next()?;
        message.contains("anchor").then(|| format!("put the value in quotes: `{}`", quoted(word)))
    };
    let slip = slip.or_else(word);
    let general = if message.contains("flow") || message.contains("bracket") { BRACKETS } else { COLUMNS };
    Some(slip.unwrap_or_else(|| general.to_owned()))
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

fn slip(line: &str) -> Option<String> {
    let content = line.trim_start();
    if let Some(help) = start(line) {
        return Some(help);
    }
    let mut entry = content.trim_end();
    while let Some(item) = entry.strip_prefix("- ") {
        entry = item.trim_start();
    }
    let (key, value) = key_and_value(entry);
    let shown = |value: &str| match key {
        Some(key) => format!("`{key}: {value}`"),
        None => format!("`{value}`"),
    };
    if value.contains("{{") && value.starts_with(['{', '[']) {
        let help = "put the template in quotes";
        let is_short = value.starts_with("{{") && value.len() <= SHOWN;
        return Some(if is_short { format!("{help}: {}", shown(&quoted(value))) } else { help.to_owned() });
    }
    if needs_quotes(value) {
        let help = "put the value in quotes";
        let is_short = value.len() <= SHOWN;
        return Some(if is_short { format!("{help}: {}", shown(&quoted(value))) } else { help.to_owned() });
    }
    if value.starts_with(['{', '[']) {
        let before_comment = value.split_once(" #").map(|(before, _)| before);
        if before_comment.is_some_and(is_open) {
            return Some("put a value with ` #` in quotes: there a comment begins".to_owned());
        }
        if is_open(value) {
            return Some(BRACKETS.to_owned());
        }
    }
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        return match closing(value, quote) {
            None => Some("close the quote, or put the whole value in quotes of the other kind".to_owned()),
            Some("") if quote == '"' && value.contains('\\') => {
                Some("put a value with `\\` in single quotes, in which it stands for itself".to_owned())
            }
            Some("") => None,
            Some(_) => Some("put the whole value in quotes of the other kind".to_owned()),
        };
    }
    if key.is_none() {
        return colon(entry);
    }
    None
}

/// Advice on the start of a line, or on a key that was read from it.
pub(crate) fn start(line: &str) -> Option<String> {
    let blank = line.chars().take_while(|char| char.is_whitespace()).find(|char| *char != ' ');
    match blank {
        Some('\t') => return Some("indent with blanks: YAML takes no tabs".to_owned()),
        Some(other) => {
            return Some(format!("indent with blanks: U+{:04X} only looks like one", u32::from(other)));
        }
        None => {}
    }
    let content = line.trim_start();
    if content.starts_with("```") {
        return Some("leave the fence of Markdown out".to_owned());
    }
    if content.starts_with("//") {
        return Some("begin a comment with `#`".to_owned());
    }
    item(content)
}

/// Advice on a text that was probably meant as items of a list.
pub(crate) fn item(content: &str) -> Option<String> {
    let rest = content.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with([' ', '-']))?;
    let is_short = rest.len() <= SHOWN;
    Some(format!(
        "write a blank after the `-` of an item{}",
        if is_short { format!(": `- {rest}`") } else { String::new() }
    ))
}

/// The key and the value of a mapping's entry. Without a key, the whole entry is the value.
fn key_and_value(entry: &str) -> (Option<&str>, &str) {
    let end = match entry.chars().next() {
        Some(quote @ ('"' | '\'')) => closing(entry, quote).map(|rest| entry.len() - rest.len()),
        Some('{' | '[') => None,
        _ => entry.find(": ").or_else(|| entry.strip_suffix(':').map(str::len)),
    };
    let split = end.and_then(|end| entry.split_at_checked(end));
    match split.and_then(|(key, rest)| Some((key, rest.strip_prefix(':')?))) {
        Some((key, value)) => (Some(key), value.trim_start()),
        None => (None, entry),
    }
}

/// Whether a value without quotes is read as something else, or as nothing.
fn needs_quotes(value: &str) -> bool {
    let is_collection = |open: char, close: char| {
        value.starts_with(open) && value.rsplit_once(close).is_some_and(|(_, rest)| !rest.is_empty())
    };
    let is_bare = !value.starts_with(['"', '\'', '{', '[', '#']);
    value.starts_with(['*', '&', '!', '%', '@', '`', '|', '>', ',', ']', '}'])
        || value.starts_with("? ")
        || is_collection('{', '}')
        || is_collection('[', ']')
        || (is_bare && (value.contains(": ") || (value.len() > 1 && value.ends_with(':'))))
}

/// Whether a bracket is not closed.
fn is_open(value: &str) -> bool {
    let count = |brackets: [char; 2]| {
        let [open, close] = brackets;
        value.matches(open).count() > value.matches(close).count()
    };
    count(['{', '}']) || count(['[', ']'])
}

/// The text after a quoted text at the start; `None` if its quote is not closed.
fn closing(text: &str, quote: char) -> Option<&str> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if quote == '"' && char == '\\' {
            chars.next();
        } else if char == quote {
            if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
                continue;
            }
            return text.get(at + 1..);
        }
    }
    None
}

/// The value in the kind of quotes that leaves it unchanged.
fn quoted(value: &str) -> String {
    if value.contains(['"', '\\']) {
        format!("'{}'", value.replace('\'', "''"))
    } else {
        format!("\"{value}\"")
    }
}

/// Advice on an entry that is not `key: value`.
fn colon(entry: &str) -> Option<String> {
    let word = entry.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(entry.len());
    let (key, rest) = entry.split_at_checked(word).filter(|(key, _)| !key.is_empty())?;
    let value = rest.trim_start().trim_start_matches([':', '=']).trim_start();
    if rest.is_empty() {
        return Some(format!("write a colon after a key: `{key}:`"));
    }
    let is_entry = rest.trim_start().starts_with(['=', ':']) && !value.is_empty();
    (is_entry && entry.len() <= SHOWN)
        .then(|| format!("write a colon and a blank after a key: `{key}: {value}`"))
}

#[cfg(test)]
mod tests {
    use super::{BRACKETS, COLUMNS};
    use crate::yaml::parse_yaml;

    #[test]
    fn usual_slips_get_advice() {
        for (text, help) in [
            ("schedule: */5 * * * *\n", "put the value in quotes: `schedule: \"*/5 * * * *\"`"),
            ("schedule: @daily\n", "put the value in quotes: `schedule: \"@daily\"`"),
            ("at: `date`\n", "put the value in quotes: `at: \"`date`\"`"),
            ("a:\n  - %d \"x\"\n", "put the value in quotes: `'%d \"x\"'`"),
            ("v: {{inputs.x}}\n", "put the template in quotes: `v: \"{{inputs.x}}\"`"),
            ("- - {{x}} more\n", "put the template in quotes: `\"{{x}} more\"`"),
            ("args: [{{x}}]\n", "put the template in quotes"),
            ("a:\n\tb: 1\n", "indent with blanks: YAML takes no tabs"),
            ("run: echo a: b\n", "put the value in quotes: `run: \"echo a: b\"`"),
            ("\"run\": echo 'a': b\n", "put the value in quotes: `\"run\": \"echo 'a': b\"`"),
            ("run: [ -f x ] && y\n", "put the value in quotes: `run: \"[ -f x ] && y\"`"),
            ("run: | x\n", "put the value in quotes: `run: \"| x\"`"),
            ("run: \"a\" && b\n", "put the whole value in quotes of the other kind"),
            ("run: 'it's'\n", "put the whole value in quotes of the other kind"),
            ("run: \"abc\nb: 1\n", "close the quote, or put the whole value in quotes of the other kind"),
            ("run: \"C:\\path\"\n", "put a value with `\\` in single quotes, in which it stands for itself"),
            ("tasks: {a: [}\n", BRACKETS),
            ("a: [b,\n  c: 1\nd: 2\n", BRACKETS),
            ("name:t\nb: 1\n", "write a colon and a blank after a key: `name: t`"),
            ("name = t\nb: 1\n", "write a colon and a blank after a key: `name: t`"),
            ("a: 1\ntasks\n  b: 1\n", "write a colon after a key: `tasks:`"),
            ("a:\n  x: 1\n y: 2\n", COLUMNS),
            ("a: 1\n b: 2\n", COLUMNS),
            ("args: [a, *.txt, b]\n", "put the value in quotes: `\"*.txt\"`"),
            ("args: {run: echo #1}\n", "put a value with ` #` in quotes: there a comment begins"),
            ("run: !test x\n", "put the value in quotes: `run: \"!test x\"`"),
            ("a:\n  x: 1\n  \ty: 2\n", "indent with blanks: YAML takes no tabs"),
            ("a: 1\n# note\n\n  b: 2\n", COLUMNS),
            ("a:\n  - x\n  -y\n", "write a blank after the `-` of an item: `- y`"),
            ("a:\n\u{a0}\u{a0}b: 1\n  c: 2\n", "indent with blanks: U+00A0 only looks like one"),
            ("a: 1\n\u{feff}b: 2\n", "leave it out: files that are joined bring one each"),
            ("```yaml\na: 1\n```\n", "leave the fence of Markdown out"),
            ("a: 1\n```\n", "leave the fence of Markdown out"),
            ("// see b\na: 1\n", "begin a comment with `#`"),
            ("a: 1\n// note\nb: 1\n", "begin a comment with `#`"),
        ] {
            let error = parse_yaml(text).expect_err(text);
            assert_eq!(error.help.as_deref(), Some(help), "{text:?}: {error}");
        }
        assert_eq!(parse_yaml(&"[".repeat(200)).unwrap_err().help, None);
        assert_eq!(parse_yaml("a: !!set {b}\n").unwrap_err().help, None);
        let tab = parse_yaml("a:\n  x: 1\n\n \ty: 2\n").unwrap_err();
        assert_eq!((tab.line, tab.column), (4, 2));
    }
}
