//! Conditions against both truth tables of upstream's evaluators, and against our own rules.

use highway_wasm::error::{Error, ErrorCode};
use highway_wasm::expr::{equal, eval, holds, parse};
use highway_wasm::template::{Mode, Named, Scope};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

struct Names(Value);

impl Scope for Names {
    fn lookup(&self, name: &str) -> Option<Named<'_>> {
        let value = self.0.get(name)?;
        let is_namespace = name == "inputs" && value.is_object();
        Some(if is_namespace { Named::Namespace } else { Named::Value(Cow::Borrowed(value)) })
    }
    fn within(&self, namespace: &str, name: &str) -> Option<Cow<'_, Value>> {
        self.0[namespace].get(name).map(Cow::Borrowed)
    }
    fn names_within(&self, namespace: &str) -> Vec<String> {
        self.0[namespace].as_object().unwrap().keys().cloned().collect()
    }
    fn names(&self) -> Vec<String> {
        self.0.as_object().unwrap().keys().cloned().collect()
    }
}

const LOOSE: &str = "text against a number is compared as a number";
const WORD: &str = "an unknown bare word is text, not null and not false";
const LITERALS: &str = "true, false and null are read in any case";
const LISTS: &str = "lists, `in` and `is` are evaluated";
const CHAIN: &str = "every link of a chain counts, not the first alone";
const PLUS: &str = "a sign may stand before any number";
const PYTHON: &str = "no ternary, no tuple: only what conditions in Highway's documents use";

/// Rows of `highway_core` 0.2.1 that differ here, and why. Its evaluator has no errors: ours count as false.
const CORE_DIFFERENCES: [(&str, &str); 11] = [
    ("'200' == 200", LOOSE),
    ("200 == '200'", LOOSE),
    ("'1' < 2", LOOSE),
    ("1 < 2 < 0", CHAIN),
    ("true", LITERALS),
    ("'a' in 'abc'", LISTS),
    ("1 in [1]", LISTS),
    ("[] == []", LISTS),
    ("1 is 1", LISTS),
    ("abc == abc", WORD),
    ("failed == 'failed'", WORD),
];

/// Rows of stabilize 0.33.1 that differ here, and why.
const STABILIZE_DIFFERENCES: [(&str, &str); 11] = [
    ("'200' == 200", LOOSE),
    ("200 == '200'", LOOSE),
    ("'1' < 2", LOOSE),
    ("failed == 'failed'", WORD),
    ("abc", WORD),
    ("missing", WORD),
    ("missing.x.y", WORD),
    ("missing == None", WORD),
    ("+1 == 1", PLUS),
    ("n if f else s", PYTHON),
    ("(1, 2)", PYTHON),
];

fn table(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/legacy-engine").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The value of a condition, or what is wrong with it.
fn value(text: &str, names: &Names) -> Result<Value, Error> {
    eval(&parse(text)?, names, Mode::Strict)
}

/// Whether a condition holds, or what is wrong with it.
fn truth(text: &str, names: &Value) -> Result<bool, Error> {
    holds(&parse(text)?, &Names(names.clone()), Mode::Strict)
}

fn check(rows: &Value, differences: &[(&str, &str)], agrees: impl Fn(&str, &Value) -> bool) {
    let rows = rows.as_array().unwrap();
    let mut found = BTreeSet::new();
    for row in rows {
        let input = row["input"].as_str().unwrap();
        if !agrees(input, row) {
            found.insert(input);
        }
    }
    let listed = differences.iter().map(|(input, _)| *input).collect::<BTreeSet<_>>();
    assert_eq!(found, listed);
    assert!(rows.len() > 40, "only {} rows", rows.len());
}

#[test]
fn the_table_of_highway_core() {
    let table = table("conditions.json");
    check(&table["rows"], &CORE_DIFFERENCES, |input, row| {
        truth(input, &json!({})).unwrap_or(false) == row["output"].as_bool().unwrap()
    });
}

#[test]
fn the_table_of_stabilize() {
    let table = table("stabilize-expressions.json");
    let names = Names(table["context"].clone());
    check(&table["rows"], &STABILIZE_DIFFERENCES, |input, row| {
        match (value(input, &names), row.get("output")) {
            // Its cache of constants answers `0` with False; equal() takes the two for one.
            (Ok(ours), Some(theirs)) => equal(&ours, theirs) && ours.is_string() == theirs.is_string(),
            (Err(_), None) => true,
            _ => false,
        }
    });
}

fn scope() -> Value {
    json!({
        "status": {"stdout": "200\n"}, "value": {"stdout": "9\n"}, "api": {"status_code": 200}, "counter": 4,
        "balanced": {"stdout": "false\n"}, "qa": {"status": "failed"}, "m": {"cpu": 79.5, "memory": 90},
        "agent_done": 0, "list": [1, "two", null], "evil": "' or true or '", "big": 3, "inputs": {"day": "mon"},
        "a-b": {"c d": [{"e": "deep"}]}, "yes": true, "länge": 5
    })
}

#[test]
fn every_example_of_the_guides_means_what_it_says() {
    for (condition, expected) in [
        ("{{status.stdout}} == '200'", true),
        ("{{status.stdout}} == 200", true),
        ("{{value.stdout}} > 5", true),
        ("{{value.stdout}} > '10'", false),
        ("{{api.status_code}} == 200", true),
        ("{{counter}} < 5", true),
        ("{{agent_done}} == 0", true),
        ("{{balanced.stdout}} == false", true),
        ("{{balanced.stdout}}", false),
        ("{{qa.status}} == 'failed'", true),
        ("{{qa.status}} == failed", true),
        ("{{m.cpu}} < 80 and {{m.memory}} < 90", false),
        ("'{{qa.status}}' == 'failed'", true),
        ("'{{api.status_code}}' == 200 and \"on {{inputs.day}}\" == 'on mon'", true),
    ] {
        assert_eq!(truth(condition, &scope()), Ok(expected), "{condition}");
    }
}

#[test]
fn operators_bind_as_in_python() {
    for (condition, expected) in [
        ("true or false and false", true),
        ("(true or false) and false", false),
        ("not false == true", true),
        ("not yes or yes", true),
        ("not not yes", true),
        ("0 < counter <= 4 < 5", true),
        ("0 < counter < 4 < 5", false),
        ("2 in list", false),
        ("'two' in list and 1 in list and null in list", true),
        ("3 not in list", true),
        ("list contains two", true),
        ("contains(list, 'two') and contains('abc', 'b')", true),
        ("contains(list, 1) == true", true),
        ("'day' in inputs", true),
        ("counter in [1, [2], 4,]", true),
        ("1 in[1]", true),
        ("a-b['c d'][0].e == 'deep' and {{ a-b[\"c d\"].0.e }} == deep", true),
        ("${counter} == 4", true),
        ("länge is 5 and länge is not 6", true),
        ("-counter == -4 and - -4 == +4", true),
        ("list.length == 3", true),
        ("status.nope == null", true),
        ("'it\\'s' == \"it's\" AND NOT 'a\\nb' == 'a\\\\nb'", true),
        ("'C:\\dir' == \"C:\\\\dir\"", true),
        ("007 == 7 and 1.50 == 1.5 and 1e+2 == 100", true),
        ("true or missing", true),
        ("false and 'x' < 1", false),
    ] {
        assert_eq!(truth(condition, &scope()), Ok(expected), "{condition}");
    }
}

#[test]
fn data_is_never_read_as_a_condition() {
    assert_eq!(truth("{{evil}} == 'x'", &scope()), Ok(false));
    assert_eq!(truth("'{{evil}}' == 'x'", &scope()), Ok(false));
    let names = Names(json!({"a": "{{b}}", "b": 1}));
    assert_eq!(value("'{{a}}'", &names), Ok(json!("{{b}}")));
}

#[test]
fn what_cannot_be_compared_is_an_error_without_its_value() {
    for (condition, message) in [
        ("{{qa.status}} < 5", "`{{qa.status}}` (text) and a number cannot be ordered by `<`"),
        ("counter >= null", "`counter` (a number) and null cannot be ordered by `>=`"),
        ("'a' in {{counter}}", "`{{counter}}` (a number) cannot contain text"),
        ("-qa.status == 1", "`qa.status` (text) cannot be negated"),
    ] {
        let error = truth(condition, &scope()).unwrap_err();
        assert_eq!((error.code(), error.message()), (ErrorCode::ConditionInvalid, message));
        assert!(error.help().is_some());
    }
}

#[test]
fn unknown_names_are_found_out() {
    for condition in ["{{conter}} < 5", "'{{conter}}' == ''", "conter", "not conter", "yes and conter"] {
        let error = truth(condition, &scope()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::TemplateUnresolved, "{condition}");
        assert_eq!(error.help(), Some("did you mean `counter`?"), "{condition}");
    }
    assert_eq!(truth("inputs.dya == mon", &scope()).unwrap_err().help(), Some("did you mean `day`?"));
    let lenient = parse("{{conter}} == '{{conter}}' and '{{' in {{conter}}").unwrap();
    assert_eq!(holds(&lenient, &Names(scope()), Mode::Lenient), Ok(true));
}

#[test]
fn mistakes_are_located_and_explained() {
    for (condition, offset, message, help) in [
        ("", 0, "the condition is empty", "write for example `{{counter}} < 5`"),
        ("  ", 2, "the condition is empty", "write for example `{{counter}} < 5`"),
        ("1 ==", 4, "the condition ends too early", "an operand or a closing bracket is missing"),
        ("a && b", 2, "`&&` is not an operator here", "write `and`"),
        ("a = 1", 2, "`=` is not an operator here", "write `==`"),
        ("a === 1", 2, "`===` is not an operator here", "write `==`"),
        ("!a", 0, "`!` is not an operator here", "write `not`"),
        ("n + 1", 2, "`+` is unexpected here", "a condition compares values and cannot compute"),
        ("n * 1", 2, "`*` is not an operator here", "a condition compares values and cannot compute"),
        ("f()", 1, "`(` is unexpected here", "a condition can call nothing but `contains(list, item)`"),
        ("n if f else s", 2, "`if` is unexpected here", "a condition has no `if`; write `and`, `or`, `not`"),
        ("é == not found", 6, "`not` is unexpected here", "put it in parentheses: `a == (not b)`"),
        ("a == not found", 5, "`not` is unexpected here", "put it in parentheses: `a == (not b)`"),
        (
            "x-{{a}}",
            2,
            "`{{a}}` is unexpected here",
            "put text with templates in it in quotes, or write an operator before it",
        ),
        (
            "day == 2024-01-01",
            7,
            "`2024-01-01` is not a number",
            "put text in quotes; a condition compares values and cannot compute",
        ),
        (
            "{{ a > 1 }}",
            0,
            "`{{ a > 1 }}` is not a template",
            "only a path stands in braces, everything else outside: `{{inputs.name}} == 200`",
        ),
        ("{{a", 0, "`{{` is not closed by `}}`", ""),
        ("a == 'x", 5, "the text is not closed by `'`", ""),
        ("a in [1, 2", 10, "the condition ends too early", "an operand or a closing bracket is missing"),
        ("a == #1", 5, "`#` is unexpected", "put text in quotes"),
        (
            "1. == 1",
            0,
            "`1.` is not a number",
            "put text in quotes; a condition compares values and cannot compute",
        ),
        (
            "a == new york",
            9,
            "`york` is unexpected here",
            "put text in quotes, or write an operator before it",
        ),
    ] {
        let error = parse(condition).unwrap_err();
        assert_eq!(
            (error.offset, error.message.as_str(), error.help.as_deref().unwrap_or("")),
            (offset, message, help),
            "{condition}"
        );
    }
}

#[test]
fn nesting_has_a_limit_and_length_has_none() {
    for number in ["1.E5", "1.e5", "1e", "1.2.3", "0x1", "1_0", "1e+-5"] {
        assert!(parse(number).unwrap_err().message.ends_with("is not a number"), "{number}");
    }
    for opening in ["(", "[", "not ", "-", "contains("] {
        assert!(parse(&opening.repeat(100_000)).is_err(), "{opening}");
    }
    assert!(parse(&format!("{}1{}", "(".repeat(64), ")".repeat(64))).is_ok());
    let error = parse(&format!("{}1{}", "(".repeat(65), ")".repeat(65))).unwrap_err();
    assert_eq!((error.message.as_str(), error.offset), ("the condition is nested too deeply", 64));
    let long = format!("{}1", "1 == 1 and ".repeat(20_000));
    assert_eq!(truth(&long, &json!({})), Ok(true));
}

const PIECES: [&str; 40] = [
    "{{",
    "}}",
    "${",
    "}",
    "'",
    "\"",
    "\\",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "-",
    "+",
    "=",
    "==",
    "!=",
    "<",
    ">=",
    "!",
    "&",
    "in",
    "not ",
    " and ",
    " or ",
    " is ",
    "contains",
    " ",
    "\n",
    "1",
    "0e",
    "7.5",
    "1e9999999999999999999",
    "counter",
    "list",
    "ä",
    "€",
    "null",
    "{{counter}}",
];

proptest! {
    #[test]
    fn no_text_panics(picks in proptest::collection::vec(0..PIECES.len(), 0..24)) {
        let text: String = picks.iter().filter_map(|pick| PIECES.get(*pick)).copied().collect();
        match parse(&text) {
            Ok(expr) => {
                for mode in [Mode::Strict, Mode::Lenient] {
                    let value = eval(&expr, &Names(scope()), mode);
                    let truth = holds(&expr, &Names(scope()), mode);
                    prop_assert!(value.is_ok() || truth.is_err());
                }
                let mut written = text.as_str();
                for found in expr.paths() {
                    let at = written.find(&found.path.root);
                    prop_assert!(at.is_some(), "{} in {text}", found.path);
                    written = written.get(at.unwrap()..).unwrap();
                }
            }
            Err(error) => prop_assert!(text.is_char_boundary(error.offset), "{text}"),
        }
    }
}

/// Half a megabyte of anything is read in one pass, and nothing of it ends the process.
#[test]
fn long_conditions_of_any_shape_are_read() {
    for part in [
        "not ",
        "(",
        "[",
        "- ",
        "+",
        "contains(",
        "{{",
        "{{a",
        "{{a}} ",
        "${",
        "'",
        "'a' ",
        "\"\\",
        "a.",
        "a[",
        "a['",
        "1 < ",
        "1e",
        "a and ",
        "in ",
        "not in ",
        "is not ",
        ",",
        "1,",
        "ä",
        "((1) ",
        "[[1],",
        "{% raw %}",
        "a == [",
    ] {
        let text = part.repeat(500_000 / part.len());
        for text in [text.clone(), format!("{text}1"), format!("1 == 1 and {text}")] {
            drop(parse(&text).map(|condition| holds(&condition, &Names(scope()), Mode::Strict)));
        }
    }
}

/// A text of megabytes is no number, however many numbers it is compared with.
#[test]
fn long_texts_are_compared_in_one_pass() {
    let numbers: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let condition = format!("{{{{text}}}} in [{}]", numbers.join(","));
    let names = Names(json!({"text": "1".repeat(1_000_000)}));
    assert_eq!(holds(&parse(&condition).unwrap(), &names, Mode::Strict), Ok(false));
}
