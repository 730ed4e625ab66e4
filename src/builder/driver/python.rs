//! Wraps Python source as Highway's driver does: define the function, call it, print its result after a marker.

use crate::text::joined;

/// What the wrapper prints in front of the JSON of the result.
pub(crate) const RESULT_MARKER: &str = "__HIGHWAY_RESULT__:";

/// A byte order mark. Editors write it in front of a text; Python refuses it inside.
pub(super) const MARK: char = '\u{feff}';

/// The text around a function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// The text for a task.
    Task,
    /// The text for the body of a loop, without a comment.
    Body,
}

/// The text that `tools.code.exec` runs for `source`.
///
/// A function is called without arguments: the one named like the task, or else the last one at top level.
/// Source without a function is a script and runs as it is. Common indentation is removed first, so that the
/// source may stand indented in a template literal.
pub(super) fn wrap(task: &str, source: &str, wrapper: Wrapper) -> String {
    let source = dedent(source);
    let comment = match wrapper {
        Wrapper::Task => "# Output result in Highway-recognized format\n",
        Wrapper::Body => "",
    };
    match called_function(task, &source) {
        None => format!("{source}\n"),
        Some(function) => format!(
            "\nimport json\n\n{source}\n\n_result = {function}()\n{comment}\
             print(\"{RESULT_MARKER}\" + json.dumps(_result))\n"
        ),
    }
}

/// The function of a task: the one with the name of the task, else the last one at top level.
pub(super) fn entry_function(task: &str, source: &str) -> Option<String> {
    called_function(task, &dedent(source)).map(str::to_owned)
}

/// Names of the functions at top level.
fn functions_of(source: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    source.split_inclusive('\n').filter_map(move |line| {
        let rest = source.get(at..);
        at += line.len();
        defined_function(rest?)
    })
}

fn called_function<'a>(task: &str, source: &'a str) -> Option<&'a str> {
    let names: Vec<&str> = functions_of(source).collect();
    names.iter().find(|name| **name == task).or(names.last()).copied()
}

/// The name in source that starts with `def name(` or `async def name(`.
pub(super) fn defined_function(source: &str) -> Option<&str> {
    let source = source.strip_prefix('\x0c').unwrap_or(source);
    let rest = behind("def", behind("async", source).unwrap_or(source))?;
    let end = rest.bytes().position(|byte| byte == b'(' || byte == b'[')?;
    let name = rest.get(..end)?;
    let (name, after) = name.split_at_checked(name.bytes().position(is_blank).unwrap_or(end))?;
    (!name.is_empty() && after.bytes().all(is_blank)).then_some(name)
}

/// Whether Python treats the character as a blank inside a line: form feeds and escaped line ends, too.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c' | b'\\' | b'\n')
}

/// The text after a word and the blanks behind it.
fn behind<'a>(word: &str, source: &'a str) -> Option<&'a str> {
    let rest = source.strip_prefix(word)?;
    let blanks = rest.bytes().take_while(|byte| is_blank(*byte)).count();
    if blanks == 0 || rest.starts_with('\n') { None } else { rest.get(blanks..) }
}

/// Removes a byte order mark, blank lines around the text and the indentation that all its lines share.
pub(super) fn dedent(source: &str) -> String {
    let lines: Vec<&str> = source.strip_prefix(MARK).unwrap_or(source).lines().collect();
    let is_blank = |line: &&str| line.trim().is_empty();
    let first = lines.iter().position(|line| !is_blank(line)).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !is_blank(line)).map_or(first, |last| last + 1);
    let body = lines.get(first..last).unwrap_or_default();
    let indent = body
        .iter()
        .filter(|line| !is_blank(line))
        .map(|line| line.len() - line.trim_start_matches([' ', '\t']).len())
        .min()
        .unwrap_or(0);
    let stripped: Vec<&str> = body.iter().map(|line| line.get(indent..).unwrap_or("")).collect();
    joined(&stripped, "\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_the_function_named_like_the_task() {
        let source = "\n    def helper():\n        return 1\n\n    async def total(a=1):\n        return helper()\n\n    def tail():\n        pass\n  ";
        let code = wrap("total", source, Wrapper::Task);
        assert!(code.contains("\ndef helper():\n    return 1\n"), "{code}");
        assert!(code.contains("\n_result = total()\n"), "{code}");
        assert!(wrap("other", source, Wrapper::Body).contains("\n_result = tail()\n"));
    }

    #[test]
    fn finds_functions_as_python_does() {
        for source in [
            "\u{feff}def f():\n    return 1",
            "\u{feff}\n  def f():\n    return 1",
            "def\tf():\n    return 1",
            "def \x0c f ():\n    return 1",
            "def \\\n  f():\n    return 1",
            "def\\\r\n f\\\r\n():\r\n    return 1",
            "async\tdef\tf():\n    return 1",
            "\x0cdef f[T](a: T = 1):\n    return 1",
        ] {
            assert_eq!(entry_function("t", source).as_deref(), Some("f"), "{source:?}");
            let code = wrap("t", source, Wrapper::Task);
            assert!(code.contains("_result = f()") && !code.contains(MARK), "{code:?}");
        }
        for script in ["x = 1\ndefine(1)", "def\nf()", "print(1) # def f()", "defaults(1)", "def f"] {
            assert_eq!(entry_function("t", script), None, "{script:?}");
        }
    }

    #[test]
    fn a_script_runs_as_it_is() {
        assert_eq!(wrap("x", "  print(1)\n  print(2)\n", Wrapper::Task), "print(1)\nprint(2)\n");
        assert_eq!(wrap("x", "print('def f(')", Wrapper::Task), "print('def f(')\n");
    }
}
