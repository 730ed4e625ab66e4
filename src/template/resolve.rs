//! Replaces templates in a JSON value.

use super::{Part, Path, Piece, Syntax, path_in, pieces};
use crate::error::{Error, ErrorCode, Result};
use crate::json::{size, to_text};
use crate::text::suggest::did_you_mean;
use crate::text::{has, joined};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a name stands for. Values are borrowed, so that a field of a large value is read without a copy of the value.
#[derive(Clone, Debug)]
pub enum Named<'a> {
    /// A value.
    Value(Cow<'a, Value>),
    /// A group of names (`inputs.x`), which [`Scope::within`] looks up. An unknown name in it is an error instead of
    /// null.
    Namespace,
}

/// The names with which a template can start.
pub trait Scope {
    /// The value or the namespace with this name.
    fn lookup(&self, name: &str) -> Option<Named<'_>>;
    /// All names, for advice on a misspelt one.
    fn names(&self) -> Vec<String>;
    /// The value of a name in a namespace.
    fn within(&self, _namespace: &str, _name: &str) -> Option<Cow<'_, Value>> {
        None
    }
    /// All names in a namespace.
    fn names_within(&self, _namespace: &str) -> Vec<String> {
        Vec::new()
    }
    /// Why a name is unknown and what to write instead, if more is known than a similar spelling.
    fn advice(&self, _name: &str) -> Option<String> {
        None
    }

    /// Is called before that many bytes of values are read for a template.
    ///
    /// # Errors
    ///
    /// If that is more than the templates of a task may read.
    fn spend(&self, _bytes: usize) -> Result<()> {
        Ok(())
    }
}

/// What happens to a template that names nothing in the scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is an error.
    #[default]
    Strict,
    /// It stays as text.
    Lenient,
}

/// The value with all templates in its texts replaced, except in the keys of objects.
///
/// # Errors
///
/// `TEMPLATE_UNRESOLVED` (strict mode) and `TEMPLATE_INVALID`.
pub fn resolve(value: &Value, scope: &dyn Scope, mode: Mode, syntax: Syntax) -> Result<Value> {
    Ok(match value {
        Value::String(text) => text_value(text, scope, mode, syntax)?.into_owned(),
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

/// Works as [`resolve`], but borrows the value if it contains no template or is one template as a whole.
///
/// # Errors
///
/// The errors of [`resolve`].
pub fn lend<'a>(
    value: &'a Value,
    scope: &'a dyn Scope,
    mode: Mode,
    syntax: Syntax,
) -> Result<Cow<'a, Value>> {
    match value {
        value if !may_have_templates(value) => Ok(Cow::Borrowed(value)),
        Value::String(text) => text_value(text, scope, mode, syntax),
        value => resolve(value, scope, mode, syntax).map(Cow::Owned),
    }
}

fn may_have_templates(value: &Value) -> bool {
    match value {
        Value::String(text) => ["{{", "{%", "${"].iter().any(|opening| text.contains(opening)),
        Value::Array(items) => items.iter().any(may_have_templates),
        Value::Object(map) => map.values().any(may_have_templates),
        _ => false,
    }
}

fn text_value<'a>(text: &str, scope: &'a dyn Scope, mode: Mode, syntax: Syntax) -> Result<Cow<'a, Value>> {
    let (whole, mut out) = (text.trim().len(), String::new());
    for piece in pieces(text, syntax) {
        match piece {
            Piece::Text(text) | Piece::Raw(text) => out.push_str(text),
            Piece::Invalid(source) if mode == Mode::Lenient => out.push_str(source),
            Piece::Invalid(source) => return Err(not_a_template(source)),
            Piece::Template { path, source } => match find(&path, scope)? {
                Some(value) if source.len() == whole => return Ok(value),
                Some(value) => {
                    // The text of a value may be longer than the value, because of quotes and escapes.
                    let text = to_text(&value);
                    scope.spend(text.len())?;
                    out.push_str(&text);
                }
                None if mode == Mode::Lenient || source.starts_with('$') => out.push_str(source),
                None => return Err(unresolved(&path, scope)),
            },
        }
    }
    Ok(Cow::Owned(Value::String(out)))
}

/// Advice on braces that are meant for another program.
const LITERALLY: &str = "to write literal braces, put them between `{% raw %}` and `{% endraw %}`";
/// Words that begin an action of a Go template, which `docker` and `kubectl` read.
const OF_GO: [&str; 12] =
    ["json", "range", "index", "end", "if", "else", "with", "printf", "len", "join", "println", "define"];

/// The error for text that begins like a template but is none.
///
/// ```
/// use highway_wasm::template::not_a_template;
///
/// let error = not_a_template("{{json .}}");
/// assert_eq!(error.message(), "`{{json .}}` is not a template");
/// assert!(error.help().unwrap().contains("{% raw %}"));
/// ```
pub fn not_a_template(source: &str) -> Error {
    if source.starts_with("{%") {
        return Error::new(ErrorCode::TemplateInvalid, "`{% raw %}` is not closed by `{% endraw %}`");
    }
    let error = Error::new(ErrorCode::TemplateInvalid, format!("`{source}` is not a template"));
    let inside = source.trim_start_matches('{').trim_start();
    if let Some((path, filter)) = Path::parse_prefix(inside)
        && let Some(filter) = filter.trim_start().strip_prefix('|').map(str::trim_start)
        && !filter.starts_with('|')
    {
        let instead = if filter.starts_with("default") {
            "put a default into `variables`, which an input of the run replaces".to_owned()
        } else {
            format!("compute it in a task before, or in this one from `{{{{{path}}}}}`")
        };
        return error.with_help(format!("a template has no filters: {instead}; {LITERALLY}"));
    }
    let word = inside.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    if OF_GO.contains(&word) && !has(inside, "(") {
        return error.with_help(LITERALLY);
    }
    let name = path_in(inside).map_or_else(|| "inputs.name".to_owned(), |path| path.to_string());
    let help = format!("a template is a path such as `{{{{{name}}}}}`; it cannot compute; {LITERALLY}");
    error.with_help(help)
}

/// The value of a path; null if a value on the path lacks the field.
///
/// # Errors
///
/// `TEMPLATE_UNRESOLVED` if the first name, or a name in a namespace, is unknown. The error of [`Scope::spend`].
pub fn lookup<'a>(path: &Path, scope: &'a dyn Scope) -> Result<Cow<'a, Value>> {
    find(path, scope)?.ok_or_else(|| unresolved(path, scope))
}

/// The value of a path; `None` if a name is unknown. It makes no error, since a text may have many such templates.
fn find<'a>(path: &Path, scope: &'a dyn Scope) -> Result<Option<Cow<'a, Value>>> {
    let (value, parts) = match (scope.lookup(&path.root), path.parts.split_first()) {
        (None, _) => return Ok(None),
        (Some(Named::Value(value)), _) => (value, path.parts.as_slice()),
        (Some(Named::Namespace), None) => return all_within(scope, &path.root).map(Cow::Owned).map(Some),
        (Some(Named::Namespace), Some((part, parts))) => match scope.within(&path.root, &name_of(part)) {
            Some(value) => (value, parts),
            None => return Ok(None),
        },
    };
    let found = match value {
        Cow::Borrowed(value) => field(value, parts),
        Cow::Owned(value) if parts.is_empty() => Cow::Owned(value),
        Cow::Owned(value) => Cow::Owned(field(&value, parts).into_owned()),
    };
    scope.spend(size(&found))?;
    Ok(Some(found))
}

/// The value at the end of the steps; null if a field is missing.
fn field<'a>(value: &'a Value, parts: &[Part]) -> Cow<'a, Value> {
    let (mut at, mut rest) = (value, parts);
    while let Some((part, after)) = rest.split_first() {
        // A number has no fields.
        let length = |count: usize| Cow::Owned(if after.is_empty() { count.into() } else { Value::Null });
        let found = match (at, part) {
            (Value::Array(items), Part::Index(index)) => items.get(*index),
            (Value::Object(map), part) => map.get(name_of(part).as_ref()),
            (Value::Array(items), Part::Key(key)) if key == "length" => return length(items.len()),
            (Value::String(text), Part::Key(key)) if key == "length" => return length(text.chars().count()),
            _ => None,
        };
        // A result may lack an optional field: that is null and not a mistake.
        (at, rest) = (found.unwrap_or(&Value::Null), after);
    }
    Cow::Borrowed(at)
}

fn name_of(part: &Part) -> Cow<'_, str> {
    match part {
        Part::Key(key) => Cow::Borrowed(key),
        Part::Index(index) => Cow::Owned(index.to_string()),
    }
}

/// A namespace as an object with all its names.
fn all_within(scope: &dyn Scope, namespace: &str) -> Result<Value> {
    let mut all = Map::new();
    for name in each_once(scope.names_within(namespace)) {
        if let Some(value) = scope.within(namespace, &name) {
            scope.spend(name.len() + size(&value))?;
            all.insert(name, value.into_owned());
        }
    }
    Ok(Value::Object(all))
}

/// The names without duplicates. An input may have the name of a variable, and so may the result of a task.
fn each_once(mut names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The most names that an error lists.
const MOST_NAMES: usize = 30;

fn unresolved(path: &Path, scope: &dyn Scope) -> Error {
    let root = path.root.as_str();
    let (name, known, advice) = match (scope.lookup(root), path.parts.first()) {
        (Some(_), Some(part)) => (name_of(part), scope.names_within(root), None),
        _ => (Cow::Borrowed(root), scope.names(), scope.advice(root)),
    };
    let known = each_once(known);
    let all = || {
        let shown: Vec<String> = known.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
        let more = known.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!shown.is_empty()).then(|| format!("known are {}{more}", joined(&shown, ", ")))
    };
    // These are the only actions of a Go template that are one word.
    let is_of_go = matches!(root, "end" | "else" | "break" | "continue");
    let help = advice
        .or_else(|| is_of_go.then(|| LITERALLY.to_owned()))
        .or_else(|| did_you_mean(&name, known.iter().map(String::as_str)))
        .or_else(all);
    let message = format!("`{{{{{path}}}}}` names nothing that is known here");
    Error::new(ErrorCode::TemplateUnresolved, message)
        .with_detail("template", path.to_string())
        .with_any_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Names(Value);

    impl Scope for Names {
        fn lookup(&self, name: &str) -> Option<Named<'_>> {
            let value = self.0.get(name)?;
            Some(if name == "inputs" { Named::Namespace } else { Named::Value(Cow::Borrowed(value)) })
        }
        fn names(&self) -> Vec<String> {
            self.0.as_object().unwrap().keys().cloned().collect()
        }
        fn within(&self, namespace: &str, name: &str) -> Option<Cow<'_, Value>> {
            self.0[namespace].get(name).map(Cow::Borrowed)
        }
        fn names_within(&self, namespace: &str) -> Vec<String> {
            self.0[namespace].as_object().unwrap().keys().cloned().collect()
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
    fn what_is_whole_is_lent() {
        let (scope, given) = (scope(), json!(["no template", {"n": 1}]));
        let whole = json!(" {{backup_result.list}} ");
        for (value, expected) in [(&whole, &scope.0["backup_result"]["list"]), (&given, &given)] {
            let found = lend(value, &scope, Mode::Strict, Syntax::Braces).unwrap();
            assert!(matches!(found, Cow::Borrowed(found) if std::ptr::eq(found, expected)), "{value}");
        }
        for text in ["a {{flag}}", "{% raw %}a{% endraw %}"] {
            let value = json!([text]);
            let found = lend(&value, &scope, Mode::Strict, Syntax::Braces).unwrap().into_owned();
            assert_eq!(found, strict(value.clone()).unwrap(), "{text}");
        }
        let day = Path::parse("inputs.day").unwrap();
        assert!(matches!(lookup(&day, &scope), Ok(Cow::Borrowed(_))));
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
    fn a_name_that_is_known_twice_is_listed_once() {
        let names = ["w", "x", "w"].map(str::to_owned).to_vec();
        assert_eq!(each_once(names), ["w", "x"]);
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
