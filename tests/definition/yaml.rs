//! YAML as `PyYAML` 6.0.3 reads and writes it: its answers, the documents of highway-dsl, and what must never happen.

use highway_wasm::json::{parse_json, write_json};
use highway_wasm::yaml::{parse_yaml, write_yaml};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Pairs of a value and a text; the digits of numbers are kept.
fn pairs(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    parse_json(&text).unwrap().as_array().unwrap().clone()
}

#[test]
fn writes_what_pyyaml_writes() {
    let cases = pairs("yaml-write.json");
    assert!(cases.len() >= 150, "only {} cases were found", cases.len());
    for case in cases {
        let (value, text) = (&case[0], case[1].as_str().unwrap());
        assert_eq!(write_yaml(value), text, "{value}");
        assert_eq!(write_yaml(&parse_yaml(text).unwrap()), text, "{value}");
    }
}

#[test]
fn reads_what_pyyaml_reads() {
    let cases = pairs("yaml-read.json");
    assert!(cases.len() >= 250, "only {} cases were found", cases.len());
    for case in cases {
        let (text, value) = (case[0].as_str().unwrap(), &case[1]);
        let read = parse_yaml(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        // Python's floats have lost their digits, so numbers are compared as they are written.
        assert_eq!(write_yaml(&read), write_yaml(value), "{text:?}");
        assert_eq!(keys(&read), keys(value), "{text:?}");
    }
}

/// All keys in their order.
fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        Value::Object(map) => {
            map.iter().flat_map(|(key, item)| std::iter::once(key.clone()).chain(keys(item))).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn documents_of_highway_dsl_come_out_as_they_went_in() {
    let mut found = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_str().unwrap().contains("-dsl-") {
            continue;
        }
        let case = parse_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
        if let Some(text) = case["yaml"].as_str() {
            let value = parse_yaml(text).unwrap_or_else(|error| panic!("{error}: {}", path.display()));
            assert_eq!(write_yaml(&value), text, "{}", path.display());
            found += 1;
        }
    }
    assert!(found >= 70, "only {found} documents were found");
}

#[test]
fn refuses_with_reason_and_place() {
    for (text, message, line, column) in [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "duplicate key `c`", 4, 3),
        ("é: 1\n\"é\": 2\n", "duplicate key `é`", 2, 1),
        ("{a: 1, 'é': 2, é: 3}", "duplicate key `é`", 1, 16),
        ("on: 1", "a key must be text: write it in quotes, `\"on\"` (without them it is a boolean)", 1, 1),
        ("a: {1: 2}", "a key must be text: write it in quotes, `\"1\"` (without them it is a number)", 1, 5),
        ("~: 2", "a key must be text: write it in quotes, `\"~\"` (without them it is null)", 1, 1),
        (
            "2025-01-01: 2",
            "a key must be text: write it in quotes, `\"2025-01-01\"` (without them it is a date)",
            1,
            1,
        ),
        ("a: 1\n: 2", "a key must be text: this one is empty", 2, 1),
        ("!!int '1': 2", "a key must be text: the tag `!!int` makes `1` something else", 1, 1),
        ("? [a]\n: 2", "a key must be text: a list or a mapping cannot be one", 1, 3),
        ("- &a [1]\n- *a : 1", "a key must be text: this alias stands for something else", 2, 3),
        ("a: !foo 1", "the tag `!foo` is not known", 1, 4),
        ("a: !!binary aGk=", "the tag `!!binary` is not known", 1, 4),
        ("a: !!python/object:os.system {}", "the tag `!!python/object:os.system` is not known", 1, 4),
        ("!<x:y> a", "the tag `x:y` is not known", 1, 1),
        ("a: !!str [1]", "the tag `!!str` does not go with a list", 1, 4),
        ("a: !!seq {b: 1}", "the tag `!!seq` does not go with a mapping", 1, 4),
        ("a: !!map 1", "the tag `!!map` does not go with a scalar", 1, 4),
        ("!!int x", "`x` is not an integer", 1, 1),
        ("!!bool x", "`x` is not a boolean", 1, 1),
        ("!!float .inf", "`.inf` is not a finite number", 1, 1),
        ("!!timestamp x", "`x` is not a date: write text in quotes", 1, 1),
        ("a: -.INF", "`-.INF` is a number that JSON cannot carry: write it in quotes", 1, 4),
        ("a: .nan", "`.nan` is a number that JSON cannot carry: write it in quotes", 1, 4),
        ("a: =", "`=` has a meaning of its own: write it in quotes", 1, 4),
        ("- <<", "`<<` has a meaning of its own: write it in quotes", 1, 3),
        ("a: 0x_", "`0x_` is a number without digits: write text in quotes", 1, 4),
        ("a: 2025-02-29", "`2025-02-29` is not a date: write text in quotes", 1, 4),
        ("a: 2025-01-01 24:00:00", "`2025-01-01 24:00:00` is not a date: write text in quotes", 1, 4),
        ("<<: 1", "`<<` takes a mapping or a list of mappings", 1, 5),
        ("<<: [{a: 1}, 2]", "`<<` takes a mapping or a list of mappings", 1, 5),
        ("a: 1\n---\nb: 1", "more than one document", 2, 1),
        ("---\n---\n", "more than one document", 2, 1),
        ("&a [*a]", "the alias stands for a value that contains it", 1, 5),
        ("&a {b: *a}", "the alias stands for a value that contains it", 1, 8),
        ("a: é\u{0}", "the character U+0000 is not allowed: write it as an escape in double quotes", 1, 5),
        ("a: *b", "while parsing node, found unknown anchor", 1, 4),
        ("a: [1, 2", "while parsing a flow sequence, expected ',' or ']'", 2, 1),
        ("a: b: c", "mapping values are not allowed in this context", 1, 5),
        ("a: @x", "unexpected character: `@'", 1, 4),
    ] {
        let error = parse_yaml(text).expect_err(text);
        assert_eq!((error.message.as_str(), error.line, error.column), (message, line, column), "{text:?}");
    }
}

/// Where the grammar of YAML 1.2 is not that of `PyYAML`. Left column: what we make of it.
#[test]
fn differs_from_pyyaml_where_yaml_1_2_does() {
    for (text, json) in [
        // An error there: a tab may stand between tokens, an anchor may be given anew, `?` may stand in a flow scalar.
        ("a:  1\t# one", "{\"a\":1}"),
        ("[&a 1, *a, &a 2, *a]", "[1,1,2,2]"),
        ("[http://x/?y=z]", "[\"http://x/?y=z\"]"),
        // `{"x": null}` and a line break there.
        ("[?x]", "[\"?x\"]"),
        ("a: b\u{2028}c", "{\"a\":\"b\u{2028}c\"}"),
    ] {
        assert_eq!(write_json(&parse_yaml(text).unwrap()), json, "{text:?}");
    }
    // Read there: what goes on in the next line has to be indented, and a comment set off.
    for text in ["a: [b,\nc]", "a: \"b\nc\"", "a: [b]# c", "[-]", "! a"] {
        assert!(parse_yaml(text).is_err(), "{text:?}");
    }
}

#[test]
fn tabs_do_not_indent() {
    for text in ["a:\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n", "-\t- a\n\t- b\n"] {
        assert!(parse_yaml(text).is_err(), "{text:?}");
    }
}

#[test]
fn nesting_is_limited() {
    let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_yaml(&flow(128)).is_ok());
    for text in [
        flow(129),
        "[".repeat(1_000_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "[[],".repeat(100_000),
        // Either half is shallow enough.
        format!("- &a {}\n- {}*a{}\n", flow(100), "[".repeat(100), "]".repeat(100)),
        format!("- &a {{<<: {}}}\n- {}*a{}\n", flow(100), "[".repeat(100), "]".repeat(100)),
    ] {
        let error = parse_yaml(&text).unwrap_err();
        assert!(
            error.message.starts_with("too deeply nested") || error.message.starts_with("`<<` takes"),
            "{error}"
        );
    }
}

#[test]
fn aliases_cannot_exhaust_the_memory() {
    let laughs = (1..12).fold("a0: &a0 [x, x, x, x]\n".to_owned(), |text, at| {
        let alias = format!("*a{}", at - 1);
        [text, format!("a{at}: &a{at} [{}]\n", [alias.as_str(); 9].join(","))].concat()
    });
    let long_text = format!("a: &a {}\nb:\n{}", "x".repeat(500_000), "- *a\n".repeat(10_000));
    let long_key = format!("a: &a {{{}: 1}}\nb:\n{}", "x".repeat(1_000), "- *a\n".repeat(100_000));
    let anchors: Vec<_> = (0..120).map(|at| format!("{}- &a{at}\n", "  ".repeat(at))).collect();
    let anchors = format!("{}{}- [{}]\n", anchors.concat(), "  ".repeat(120), "x,".repeat(20_000));
    let merges = format!(
        "a: &a {{{}}}\nb:\n{}",
        (0..500).map(|at| format!("k{at}: 1, ")).collect::<Vec<_>>().concat(),
        "- {<<: *a}\n".repeat(2_000)
    );
    for text in [laughs, long_text, long_key, anchors, merges] {
        assert_eq!(parse_yaml(&text).unwrap_err().message, "aliases expand to too many values");
    }
    let harmless = format!("a: &a [x]\nb:\n{}", "- *a\n".repeat(100_000));
    assert!(parse_yaml(&harmless).is_ok());
}

/// Numbers as `write_yaml` gives them, so that they come back as they were.
fn number() -> impl Strategy<Value = Value> {
    let integer = "-?[1-9][0-9]{0,40}|0";
    let float = [
        "-?(0|[1-9][0-9]{0,5})\\.[0-9]{0,8}[1-9]",
        "-?[1-9]\\.0e[+](1[6-9]|[2-9][0-9]|[12][0-9]{2})",
        "-?[1-9]\\.[0-9]{0,5}[1-9]e-(0[5-9]|[1-9][0-9])",
        "-?0\\.0|[1-9][0-9]{0,8}\\.0",
    ];
    prop_oneof![integer, float[0], float[1], float[2], float[3]]
        .prop_map(|digits| parse_json(&digits).unwrap())
        .prop_filter("small ones get an exponent", |value| {
            let text = value.to_string();
            !text.trim_start_matches('-').starts_with("0.000") || text.ends_with("0.0")
        })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \n\t:#?,\\[\\]{}&*!|>'\"%@`a-c0-9.~<=\\\\-]{0,40}",
        "([a-z']{1,12}[ \n]{1,2}){0,40}",
        "(yes|no|null|~|<<|=|1e3|0x1|1:30|2025-01-01|\\.inf|---|\\.\\.\\.)[ \n]?",
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number(),
        text().prop_map(Value::String),
    ];
    // A key of more than 102 emoji is written as PyYAML writes it: so long that neither can read it.
    let key = text().prop_map(|key| key.chars().take(100).collect::<String>()).boxed();
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Text that is nearly YAML.
fn document() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "'",
        "\"",
        "\\",
        "|",
        ">",
        "|-\n",
        ">+2\n",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "!",
        "%YAML 1.1\n",
        "%TAG ! b\n",
        "---\n",
        "...\n",
        "#",
        " #c\n",
        "\t",
        "\r\n",
        "\r",
        "1",
        "é",
        "\u{2028}",
        "\u{feff}",
        "\u{0}",
        "0x_",
        "1:30",
        "2025-01-01",
        "~",
    ]);
    prop_oneof![
        3 => prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_written_reads_as_the_same(value in json()) {
        let written = write_yaml(&value);
        let read = parse_yaml(&written);
        prop_assert!(written.is_ascii() && written.ends_with('\n'), "{written}");
        prop_assert_eq!(read.map_err(|error| format!("{error}: {written}")), Ok(value));
    }

    #[test]
    fn any_text_is_read_or_refused(text in document()) {
        match parse_yaml(&text) {
            Ok(value) => {
                let written = write_yaml(&value);
                prop_assert_eq!(write_yaml(&parse_yaml(&written).unwrap()), written);
            }
            Err(error) => prop_assert!(error.line >= 1 && error.column >= 1 && !error.message.is_empty()),
        }
    }
}
