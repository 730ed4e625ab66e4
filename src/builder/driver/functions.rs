//! The Python modules of durable functions whose source is an option.

use super::python::{dedent, defined_function, entry_function};
use super::task::DriverTask;
use crate::error::{Error, ErrorCode, Result};
use crate::json::child_path;
use crate::text::joined;
use serde_json::{Map, Value};
use std::fmt::Write;

/// The function of a task, with the number of its module.
struct Function<'a> {
    name: String,
    module: usize,
    task: &'a DriverTask,
}

/// The modules by file name, with a wrapper for each function. As with Highway's own driver, `tasks.py` has the first
/// source; it also has all wrappers, which the engine calls. Each further source is a module of its own: of another
/// source it sees the functions of tasks only.
pub(super) fn modules(tasks: &[(&DriverTask, &str)]) -> Result<Map<String, Value>> {
    let (sources, functions) = distinct(tasks)?;
    let mut files = Map::new();
    for (at, source) in sources.iter().enumerate() {
        let mut text = without_decorators(source, at, &functions);
        text.push_str("\n\nfrom . import highway_context\n");
        let mut shared = String::new();
        for Function { name, module, .. } in &functions {
            if *module == at {
                let _ = write!(
                    text,
                    "\n\ndef _hw_{name}(ctx, *args, **kwargs):\n    return highway_context._call({name}, ctx, args, kwargs)\n"
                );
                let _ = write!(shared, ", {name}={name}");
            } else if at == 0 {
                let _ = write!(text, "\n\nfrom ._source_{module} import _hw_{name}\n");
            }
        }
        let _ = write!(text, "\n\nhighway_context._share(globals(){shared})\n");
        let file = if at == 0 { "tasks.py".to_owned() } else { format!("_source_{at}.py") };
        files.insert(file, text.into());
    }
    Ok(files)
}

/// The distinct sources and functions, in order.
fn distinct<'a>(tasks: &[(&'a DriverTask, &str)]) -> Result<(Vec<String>, Vec<Function<'a>>)> {
    let mut sources: Vec<String> = Vec::new();
    let mut functions: Vec<Function> = Vec::new();
    for (task, source) in tasks {
        let error = |message: String, help: &str| {
            Error::new(ErrorCode::PackageInvalid, message)
                .with_help(help)
                .with_path(child_path("/tasks", &task.name))
        };
        let source = dedent(source);
        let Some(name) = entry_function(&task.name, &source) else {
            let message = format!("the source of the durable task `{}` defines no function", task.name);
            return Err(error(message, "write `def f(ctx): …`"));
        };
        let module = sources.iter().position(|known| *known == source).unwrap_or(sources.len());
        match functions.iter().find(|known| known.name == name) {
            None => functions.push(Function { name, module, task }),
            Some(known) if known.module == module => {}
            Some(Function { task: other, .. }) => {
                let message = format!(
                    "tasks `{}` and `{}` run different functions named `{name}`",
                    other.name, task.name
                );
                return Err(error(message, "rename one of them"));
            }
        }
        if module == sources.len() {
            sources.push(source);
        }
    }
    Ok((sources, functions))
}

/// A source without the decorators of its tasks, which belong to the program that registers them. As with Highway's own
/// driver, no annotation is evaluated: the names in it may exist in that program only.
fn without_decorators(source: &str, module: usize, tasks: &[Function]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    // The lines at which decorators of a task may begin, and the first `__future__` import: such imports must stand
    // together.
    let (mut decorated, mut future) = (None, None);
    let mut open = Open::default();
    let mut at = 0;
    for line in source.lines() {
        let rest = source.get(at..).unwrap_or_default();
        at += line.len() + 1;
        let first = line.bytes().next().filter(|_| !open.goes_on());
        open.read(line);
        match first {
            None | Some(b' ' | b'\t' | b'\x0c' | b'#') => {}
            Some(b'@') => {
                decorated.get_or_insert(kept.len());
            }
            Some(_) => {
                if let Some(from) = decorated.take()
                    && let Some(name) = defined_function(rest)
                    && tasks.iter().any(|task| task.module == module && task.name == name)
                {
                    kept.truncate(from);
                }
                if line.strip_prefix("from").is_some_and(|rest| rest.trim_start().starts_with("__future__")) {
                    future.get_or_insert(kept.len());
                }
            }
        }
        kept.push(line);
    }
    kept.insert(future.unwrap_or(0), "from __future__ import annotations\n");
    // Python reads a declaration of the encoding from the first two lines only. The encoding is UTF-8.
    format!("\n\n{}\n", joined(&kept, "\n"))
}

/// What is open at the end of a line of Python: the statement continues in the next line.
#[derive(Default)]
struct Open {
    brackets: usize,
    /// The quote of a string, and how many quotes end it.
    quote: Option<(u8, usize)>,
    is_escaped: bool,
}

impl Open {
    fn goes_on(&self) -> bool {
        self.brackets > 0 || self.quote.is_some() || self.is_escaped
    }

    fn read(&mut self, line: &str) {
        self.is_escaped = false;
        let mut rest = line.as_bytes();
        while let [byte, behind @ ..] = rest {
            let quotes = if rest.starts_with(&[*byte; 3]) { 3 } else { 1 };
            let mut length = 1;
            match (self.quote, byte) {
                (_, b'\\') => {
                    self.is_escaped = behind.is_empty();
                    length = 2;
                }
                (Some((quote, count)), _) if quote == *byte && quotes >= count => {
                    self.quote = None;
                    length = count;
                }
                (None, b'"' | b'\'') => {
                    self.quote = Some((*byte, quotes));
                    length = quotes;
                }
                (None, b'#') => break,
                (None, b'(' | b'[' | b'{') => self.brackets += 1,
                (None, b')' | b']' | b'}') => self.brackets = self.brackets.saturating_sub(1),
                _ => {}
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        // A string in single quotes ends with its line.
        self.quote = self.quote.filter(|(_, count)| *count == 3 || self.is_escaped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Driver;
    use serde_json::json;

    /// The modules of durable tasks of the given names and sources.
    fn modules_of(tasks: &[(&str, &str)]) -> Result<Map<String, Value>> {
        let mut driver = Driver::new(None);
        for (name, source) in tasks {
            driver.task(name, &json!({ "durable": source })).unwrap();
        }
        let sources: Vec<_> = driver.tasks().iter().zip(tasks.iter().map(|(_, source)| *source)).collect();
        modules(&sources)
    }

    /// The module of one source, without the wrapper of its function.
    fn text_of(source: &str) -> String {
        let files = modules_of(&[("work", source)]).unwrap();
        let text = files["tasks.py"].as_str().unwrap();
        text.split("\n\n\nfrom . import").next().unwrap().to_owned()
    }

    const FUTURE: &str = "from __future__ import annotations\n\n";
    const HEAD: &str = "\n\n";

    #[test]
    fn one_source_is_one_module_with_a_wrapper_for_each_task() {
        let source = "\n  import time\n\n  def a(ctx):\n      pass\n\n  def b():\n      pass\n";
        let files = modules_of(&[("a", source), ("b", source), ("c", source)]).unwrap();
        let expected = format!(
            "{HEAD}{FUTURE}import time\n\ndef a(ctx):\n    pass\n\ndef b():\n    pass\n\n\n\
             from . import highway_context\n\n\n\
             def _hw_a(ctx, *args, **kwargs):\n    return highway_context._call(a, ctx, args, kwargs)\n\n\n\
             def _hw_b(ctx, *args, **kwargs):\n    return highway_context._call(b, ctx, args, kwargs)\n\n\n\
             highway_context._share(globals(), a=a, b=b)\n"
        );
        assert_eq!(Value::Object(files), json!({ "tasks.py": expected }));
    }

    #[test]
    fn further_sources_are_modules_of_their_own() {
        let (first, second) = ("N = 1\ndef a(): pass", "N = 2\ndef b(): pass");
        let files = modules_of(&[("a", first), ("b", second), ("c", first)]).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["tasks.py", "_source_1.py"]);
        let text = |name: &str| files[name].as_str().unwrap().to_owned();
        assert!(text("_source_1.py").starts_with(&format!("{HEAD}{FUTURE}{second}\n\n\n")));
        assert!(text("_source_1.py").contains("\ndef _hw_b("));
        assert!(text("tasks.py").starts_with(&format!("{HEAD}{FUTURE}{first}\n\n\n")));
        assert!(
            text("tasks.py").ends_with(
                "\n\n\nfrom ._source_1 import _hw_b\n\n\nhighway_context._share(globals(), a=a)\n"
            )
        );
    }

    #[test]
    fn what_the_engine_could_not_tell_apart_is_refused() {
        let script = modules_of(&[("a", "print(1)")]).unwrap_err();
        assert!(script.message().contains("no function"), "{script}");
        let clash = modules_of(&[("a", "def run(): return 1"), ("b", "def run(): return 2")]).unwrap_err();
        assert_eq!((clash.code(), clash.path()), (ErrorCode::PackageInvalid, Some("/tasks/b")));
        assert!(clash.message().contains("`a` and `b`") && clash.message().contains("`run`"), "{clash}");
    }

    #[test]
    fn decorators_of_tasks_go_and_those_of_others_stay() {
        let function = "async def work(ctx):\n    pass";
        for decorators in [
            "@driver.task(durable=True)",
            "@driver.task(\n    durable=True,\n)\n@other\n\n# why",
            "@driver.task({\n'a': [\n1]\n})",
            "@driver.task(\"(\", '[\\'', # (\n)",
            "@task(\"\"\"\n@no\ndef no():\n\"\"\")",
            "@task('a\\\n(b')",
            "@task \\\n  (1)",
        ] {
            assert_eq!(
                text_of(&format!("N = 1\n{decorators}\n{function}")),
                format!("{HEAD}{FUTURE}N = 1\n{function}")
            );
            let other =
                format!("{decorators}\ndef other(): pass\n{decorators}\nclass Work: pass\n{function}");
            assert_eq!(text_of(&other), format!("{HEAD}{FUTURE}{other}"));
        }
    }

    #[test]
    fn lines_from_the_future_stay_where_they_are_allowed() {
        let function = "def work(): pass";
        let source = format!(
            "\"\"\"About\nfrom __future__ import x\n\"\"\"\nfrom  __future__  import (\n  a)\n{function}"
        );
        let (before, behind) = source.split_at(source.find("from  ").unwrap());
        assert_eq!(text_of(&source), format!("{HEAD}{before}{FUTURE}{behind}"));
    }
}
