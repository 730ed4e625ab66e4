//! Replaces templates in a JSON value.

use super::{Part, Path};
use crate::error::{Error, ErrorCode, Result};
use crate::json::{size, to_text};
use crate::suggest::did_you_mean;
use crate::text::{has, joined};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What a name stands for. Values are lent, so that a field of a large one can be had without a copy of the rest.
#[derive(Clone, Debug)]
pub enum Named<'a> {
    /// A value.
    Value(Cow<'a, Value>),
    /// Names behind the name (`inputs.x`), with their values: an unknown one is an error rather than null. Of two with the
    /// same name the last counts.
    Namespace(Vec<(&'a str, Cow<'a, Value>)>),
}

/// The names a template can start with.
pub trait Scope {
    /// What a name stands for.
    fn lookup(&self, name: &str) -> Option<Named<'_>>;
    /// All names, for advice on a misspelt one.
    fn names(&self) -> Vec<String>;
    /// Asked before so many bytes of values are copied for a template.
    ///
    /// # Errors
    ///
    /// Where that is more than the templates may take.
    fn spend(&self, _bytes: usize) -> Result<()> {
        Ok(())
    }
}

/// What happens to a template that names nothing in scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// An error.
    #[default]
    Strict,
    /// The text stays as it is.
    Lenient,
}

/// Which spellings are templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `{{ path }}` alone: for shell commands, where `${name}` is the shell's own.
    Braces,
    /// `{{ path }}`, and `${path}` where its first name is known.
    BracesAndDollar,
}

/// `value` with every template in its texts replaced; keys of objects are left alone.
///
/// # Errors
///
/// `TEMPLATE_UNRESOLVED` (strict mode) and `TEMPLATE_INVALID`.
pub fn resolve(value: &Value, scope: &dyn Scope, mode: Mode, syntax: Syntax) -> Result<Value> {
    Ok(match value {
        Value::String(text) => text_value(text, scope, mode, syntax)?,
        Value::Array(items) => {
            let resolved: Result<Vec<Value>> =
                items.iter().map(|item| resolve(item, scope, mode, syntax)).collect();
            Value::Array(resolved?)
        }
        Value::Object(map) => {
            let mut resolved = Map::new();
            for (key, item) in map {
                resolved.insert(key.clone(), resolve(item, scope, mode, syntax)?);
            }
            Value::Object(resolved)
        }
        plain => plain.clone(),
    })
}

fn text_value(text: &str, scope: &dyn Scope, mode: Mode, syntax: Syntax) -> Result<Value> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, opening, after)) = next_opening(rest, syntax) {
        out.push_str(before);
        let Some((value, after_template)) = template(opening, after, scope, mode)? else {
            out.push_str(opening);
            rest = after;
            continue;
        };
        let is_whole =
            rest.len() == text.len() && before.trim().is_empty() && after_template.trim().is_empty();
        if is_whole {
            return Ok(value);
        }
        // The text of a value may be longer than the value: it has quotes and escapes.
        let text = to_text(&value);
        scope.spend(text.len())?;
        out.push_str(&text);
        rest = after_template;
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

/// The paths of the templates in a text, in order, whether or not they name anything.
///
/// ```
/// use highway_wasm::template::{Syntax, paths};
///
/// let found = paths("{{day}}: ${backup.stdout}, {{ no path }}", Syntax::BracesAndDollar);
/// assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["day", "backup.stdout"]);
/// ```
pub fn paths(text: &str, syntax: Syntax) -> Vec<Path> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, opening, after)) = next_opening(rest, syntax) {
        rest = after;
        if let Some((path, after)) = Path::parse_prefix(after.trim_start()) {
            let closing = if opening == "${" { "}" } else { "}}" };
            if let Some(after) = after.trim_start().strip_prefix(closing) {
                found.push(path);
                rest = after;
            }
        }
    }
    found
}

/// The next `{{` or `${`: the text before it, itself, the text after it.
fn next_opening(text: &str, syntax: Syntax) -> Option<(&str, &str, &str)> {
    let is_opening = |pair: &[u8]| pair == b"{{" || (pair == b"${" && syntax == Syntax::BracesAndDollar);
    let at = text.as_bytes().windows(2).position(is_opening)?;
    let (before, rest) = text.split_at_checked(at)?;
    let (opening, after) = rest.split_at_checked(2)?;
    Some((before, opening, after))
}

/// What a template after its opening stands for and the text after it, or `None` where there is no template.
fn template<'a>(
    opening: &str,
    after: &'a str,
    scope: &dyn Scope,
    mode: Mode,
) -> Result<Option<(Value, &'a str)>> {
    let is_dollar = opening == "${";
    let Some((inside, after)) = after.split_once(if is_dollar { "}" } else { "}}" }) else {
        return Ok(None);
    };
    // What opens again before it closes is not the path; the inner opening is looked at next.
    let Some(path) = Path::parse(inside) else {
        let starts_like_a_name =
            inside.trim_start().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii());
        if is_dollar || !starts_like_a_name || mode == Mode::Lenient || has(inside, "{{") {
            return Ok(None);
        }
        let message = format!("`{{{{{inside}}}}}` is not a template");
        return Err(Error::new(ErrorCode::TemplateInvalid, message)
            .with_help("a template is a path such as `{{fetch_result.body[0].name}}`; it cannot compute"));
    };
    match lookup(&path, scope) {
        Ok(value) => Ok(Some((value, after))),
        Err(_) if mode == Mode::Lenient || is_dollar => Ok(None),
        Err(error) => Err(error),
    }
}

/// The value of a path; null where a value lacks the field.
///
/// # Errors
///
/// `TEMPLATE_UNRESOLVED` where the first name, or a name in a namespace, is unknown.
pub fn lookup(path: &Path, scope: &dyn Scope) -> Result<Value> {
    let root = scope.lookup(&path.root).ok_or_else(|| unresolved(path, &path.root, &scope.names()))?;
    let (value, parts) = match (root, path.parts.split_first()) {
        (Named::Value(value), _) => (value, path.parts.as_slice()),
        (Named::Namespace(names), None) => {
            scope.spend(names.iter().map(|(name, value)| name.len() + size(value)).sum())?;
            let names = names.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned()));
            return Ok(Value::Object(names.collect()));
        }
        (Named::Namespace(names), Some((part, parts))) => {
            let name = match part {
                Part::Key(key) => key.clone(),
                Part::Index(index) => index.to_string(),
            };
            let Some(at) = names.iter().rposition(|(known, _)| *known == name) else {
                let known: Vec<String> = names.into_iter().map(|(name, _)| name.to_owned()).collect();
                return Err(unresolved(path, &name, &known));
            };
            (names.into_iter().nth(at).map(|(_, value)| value).unwrap_or_default(), parts)
        }
    };
    if parts.is_empty() {
        scope.spend(size(&value))?;
        return Ok(value.into_owned());
    }
    let (mut at, mut rest) = (value.as_ref(), parts);
    while let Some((part, after)) = rest.split_first() {
        // A number has no fields.
        let length = |count: usize| if after.is_empty() { count.into() } else { Value::Null };
        let found = match (at, part) {
            (Value::Array(items), Part::Index(index)) => items.get(*index),
            (Value::Object(map), Part::Index(index)) => map.get(&index.to_string()),
            (Value::Object(map), Part::Key(key)) => map.get(key),
            (Value::Array(items), Part::Key(key)) if key == "length" => return Ok(length(items.len())),
            (Value::String(text), Part::Key(key)) if key == "length" => {
                return Ok(length(text.chars().count()));
            }
            _ => None,
        };
        // A result may lack an optional field: that is a value, not a slip.
        (at, rest) = (found.unwrap_or(&Value::Null), after);
    }
    scope.spend(size(at))?;
    Ok(at.clone())
}

fn unresolved(path: &Path, name: &str, known: &[String]) -> Error {
    let known = known.iter().map(String::as_str);
    let error = Error::new(
        ErrorCode::TemplateUnresolved,
        format!("`{{{{{path}}}}}` names nothing that is known here"),
    )
    .with_detail("template", path.to_string());
    let help = if name == "secrets" {
        Some("secrets are known in arguments of tools alone, since those are not written down".to_owned())
    } else {
        did_you_mean(name, known.clone())
    };
    let help = help.or_else(|| {
        let names = known.map(|name| format!("`{name}`")).collect::<Vec<_>>();
        (!names.is_empty()).then(|| format!("known are {}", joined(&names, ", ")))
    });
    error.with_any_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Names(Value);

    impl Scope for Names {
        fn lookup(&self, name: &str) -> Option<Named<'_>> {
            let value = self.0.get(name)?;
            let names = value
                .as_object()
                .filter(|_| name == "inputs")
                .map(|map| map.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value))).collect());
            Some(names.map_or(Named::Value(Cow::Borrowed(value)), Named::Namespace))
        }
        fn names(&self) -> Vec<String> {
            self.0.as_object().unwrap().keys().cloned().collect()
        }
    }

    fn scope() -> Names {
        Names(
            json!({"backup_result": {"stdout": "ok", "n": 3, "list": [1, {"x": null}]}, "inputs": {"day": "mon"},
            "evil": "{{inputs.day}}", "flag": false}),
        )
    }

    fn strict(value: Value) -> Result<Value> {
        resolve(&value, &scope(), Mode::Strict, Syntax::BracesAndDollar)
    }

    #[test]
    fn whole_text_keeps_the_type_and_embedded_becomes_text() {
        assert_eq!(strict(json!("{{ backup_result }}")).unwrap(), scope().0["backup_result"]);
        assert_eq!(strict(json!("n={{backup_result.n}}, {{flag}}")).unwrap(), json!("n=3, false"));
        assert_eq!(strict(json!("{{backup_result.list[1]}}!")).unwrap(), json!("{\"x\":null}!"));
        assert_eq!(
            strict(json!({"{{k}}": ["{{backup_result.list.length}}"]})).unwrap(),
            json!({"{{k}}": [2]})
        );
        assert_eq!(strict(json!("${backup_result.n}/${HOME}")).unwrap(), json!("3/${HOME}"));
    }

    #[test]
    fn results_are_not_resolved_again() {
        assert_eq!(strict(json!("x{{evil}}")).unwrap(), json!("x{{inputs.day}}"));
    }

    #[test]
    fn unknown_names_are_errors_with_the_nearest_name() {
        let error = strict(json!(["{{bakcup_result.stdout}}"])).unwrap_err();
        assert_eq!(error.code(), ErrorCode::TemplateUnresolved);
        assert!(error.message().contains("`{{bakcup_result.stdout}}`"), "{error}");
        assert_eq!(error.help(), Some("did you mean `backup_result`?"));
        assert_eq!(strict(json!("{{inputs.dya}}")).unwrap_err().help(), Some("did you mean `day`?"));
        let lenient = resolve(&json!("a {{nope.x}}"), &scope(), Mode::Lenient, Syntax::Braces).unwrap();
        assert_eq!(lenient, json!("a {{nope.x}}"));
    }

    #[test]
    fn a_missing_field_of_a_result_is_null() {
        assert_eq!(strict(json!("{{backup_result.nope.deeper}}")).unwrap(), json!(null));
    }

    #[test]
    fn other_double_braces_stay() {
        for text in ["docker ps --format '{{.Names}}'", "{{", "}}{{", "{{}}", "{{\"a\": 1}}", "${", "$HOME"] {
            assert_eq!(strict(json!(text)).unwrap(), json!(text), "{text}");
        }
        assert_eq!(strict(json!("{{a + 1}}")).unwrap_err().code(), ErrorCode::TemplateInvalid);
    }
}
