//! Arrows between the rooms of `src/` point down only, and no files use each other in a circle.
//!
//! A room is a folder, or a file that stands alone. The test reads the `use` lines and the paths in the code, and
//! follows what is exported again to where it is declared. A room and its `mod.rs` are one: its files may use it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

/// What knows nothing of workflows. Each room uses only those before it.
const GROUND_FLOOR: [&str; 6] = ["text", "json", "time", "http", "error", "yaml"];

/// The rooms above it, in the same order.
const ABOVE: [&str; 12] = [
    "template",
    "definition",
    "expr",
    "arguments",
    "graph",
    "validate",
    "builder",
    "client",
    "engine",
    "fetch",
    "sdk",
    "wasm",
];

/// The rooms of the engine, in the same order.
const OF_ENGINE: [&str; 11] = [
    "config", "plan", "state", "journal", "apply", "effects", "machine", "tools", "view", "decide", "server",
];

/// Files of a room that use each other. A loop holds operators; a record may hold a part of a snapshot, which is made of
/// records.
const CIRCLES: [[&str; 3]; 2] =
    [["definition", "operation", "operator"], ["engine/journal", "record", "snapshot"]];

type Module = Vec<String>;

/// The files of the crate by module; the root is the empty path.
struct Sources(BTreeMap<Module, Source>);

#[derive(Default)]
struct Source {
    /// Paths that the file uses.
    uses: BTreeSet<Module>,
    /// Where the names that it exports again are declared.
    exports: BTreeMap<String, Module>,
}

impl Sources {
    fn read() -> io::Result<Self> {
        let mut texts = BTreeMap::new();
        read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut Vec::new(), &mut texts)?;
        let modules: BTreeSet<Module> = texts.keys().cloned().collect();
        let source = |(module, text): (Module, String)| {
            let source = Source::read(&module, &text, &modules);
            (module, source)
        };
        Ok(Self(texts.into_iter().map(source).collect()))
    }

    /// The file in which a path is declared.
    fn declares(&self, path: &[String]) -> Module {
        let known = (0..=path.len()).rev().find(|end| self.0.contains_key(&path[..*end])).unwrap_or(0);
        let (module, inside) = path.split_at(known);
        match inside.split_first().and_then(|(name, rest)| Some((self.0[module].exports.get(name)?, rest))) {
            Some((exported, rest)) => self.declares(&[exported, rest].concat()),
            None => module.to_vec(),
        }
    }

    /// The arrows between neighbours, by the room that both are in.
    fn arrows(&self) -> BTreeMap<String, BTreeSet<(String, String)>> {
        let mut arrows: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for (user, source) in &self.0 {
            for used in source.uses.iter().map(|path| self.declares(path)) {
                let shared = user.iter().zip(&used).take_while(|(user, used)| user == used).count();
                if let (Some(from), Some(to)) = (user.get(shared), used.get(shared)) {
                    let room = user[..shared].join("/");
                    arrows.entry(room).or_default().insert((from.clone(), to.clone()));
                }
            }
        }
        arrows
    }
}

fn read_folder(folder: &Path, inside: &mut Module, texts: &mut BTreeMap<Module, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_room = ["mod", "lib"].contains(&name.as_str());
        inside.push(name);
        if path.is_dir() {
            read_folder(&path, inside, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && inside.last().unwrap() != "tests"
        {
            let module = &inside[..inside.len() - usize::from(is_room)];
            texts.insert(module.to_vec(), code_of(&fs::read_to_string(&path)?));
        }
        inside.pop();
    }
    Ok(())
}

/// The text of a file without comments and unit tests.
fn code_of(text: &str) -> String {
    let code = text.split("\nmod tests {").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

impl Source {
    fn read(module: &[String], text: &str, modules: &BTreeSet<Module>) -> Self {
        let mut source = Self::default();
        for statement in text.split(';') {
            let Some((before, names)) = use_of(statement) else { continue };
            for path in expanded(names).iter().filter_map(|path| absolute(path, module, modules)) {
                if before.starts_with("pub") {
                    source.exports.insert(path.last().unwrap().clone(), path);
                } else {
                    source.uses.insert(path);
                }
            }
        }
        for root in ["crate::", "super::"] {
            for (at, _) in text.match_indices(root) {
                // `super::super::` is one path.
                let is_inner = text[..at].ends_with("super::");
                let path: String =
                    text[at..].chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
                let path = absolute(path.trim_end_matches(':'), module, modules);
                source.uses.extend(path.filter(|_| !is_inner));
            }
        }
        source
    }
}

/// What a statement uses, and what stands before that.
fn use_of(statement: &str) -> Option<(&str, &str)> {
    statement.match_indices("use ").find_map(|(at, word)| {
        let before = statement[..at].rsplit('\n').next()?.trim();
        let is_statement = before.is_empty() || before.starts_with("pub");
        is_statement.then(|| (before, &statement[at + word.len()..]))
    })
}

/// The paths of `a::{b, c::{d, e}}`.
fn expanded(names: &str) -> Vec<String> {
    let names = names.trim();
    let Some((before, group)) = names.split_once('{') else {
        return vec![names.split(" as ").next().unwrap().to_owned()];
    };
    let (mut paths, mut part, mut depth) = (Vec::new(), String::new(), 0);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 || (depth == 0 && c == ',') {
            paths.extend(expanded(&part).iter().map(|inner| format!("{before}{inner}")));
            part.clear();
        } else {
            part.push(c);
        }
    }
    paths
}

/// A path from the root of the crate; none for one of another crate.
fn absolute(path: &str, module: &[String], modules: &BTreeSet<Module>) -> Option<Module> {
    let mut words: Vec<&str> = path.split("::").filter(|word| !word.is_empty()).collect();
    let mut base = module.to_vec();
    match *words.first()? {
        "crate" => base.clear(),
        "self" => {}
        "super" => drop(base.pop()),
        child if modules.contains(&[module, &[child.to_owned()]].concat()) => words.insert(0, "self"),
        _ => return None,
    }
    for word in words.into_iter().skip(1) {
        match word {
            "super" => drop(base.pop()),
            "self" => {}
            word => base.push(word.to_owned()),
        }
    }
    Some(base)
}

/// Those that are in a circle, or between two.
fn circle(arrows: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut left: BTreeSet<&String> = arrows.iter().flat_map(|(from, to)| [from, to]).collect();
    loop {
        let is_left = |name: &String, left: &BTreeSet<&String>| {
            let inner = || arrows.iter().filter(|(from, to)| left.contains(from) && left.contains(to));
            inner().any(|(from, _)| from == name) && inner().any(|(_, to)| to == name)
        };
        let next: BTreeSet<&String> = left.iter().copied().filter(|name| is_left(name, &left)).collect();
        if next.len() == left.len() {
            return next.into_iter().cloned().collect();
        }
        left = next;
    }
}

fn assert_in_order(arrows: &BTreeSet<(String, String)>, order: &[&str]) {
    let rank = |room: &String| {
        order.iter().position(|known| known == room).unwrap_or_else(|| panic!("`{room}` is in no list"))
    };
    for (from, to) in arrows {
        assert!(rank(to) < rank(from), "`{from}` must not use `{to}`");
    }
}

#[test]
fn arrows_point_down() {
    let arrows = Sources::read().unwrap().arrows();
    let above = &arrows[""];
    assert_in_order(above, &[&GROUND_FLOOR[..], &ABOVE].concat());
    assert_in_order(&arrows["engine"], &OF_ENGINE);
    // What was read is what is there.
    for (from, to) in [("json", "text"), ("error", "json"), ("validate", "definition"), ("wasm", "engine")] {
        assert!(above.contains(&(from.to_owned(), to.to_owned())), "{from} uses {to}");
    }
    assert!(arrows["engine"].len() > 30 && above.len() > 60, "{arrows:?}");
}

#[test]
fn nothing_uses_itself_by_way_of_its_neighbours() {
    let mut arrows = Sources::read().unwrap().arrows();
    for [room, from, to] in CIRCLES {
        let inside = arrows.get_mut(room).unwrap();
        for [from, to] in [[from, to], [to, from]] {
            assert!(inside.remove(&(from.to_owned(), to.to_owned())), "{room}: {from} does not use {to}");
        }
    }
    for (room, inside) in &arrows {
        assert!(circle(inside).is_empty(), "src/{room}: a circle in {:?}", circle(inside));
    }
    assert!(arrows.len() > 15, "{:?}", arrows.keys());
}

#[test]
fn circles_are_found() {
    let arrows = |names: &[&str]| {
        let pair = |pair: &&str| (pair[..1].to_owned(), pair[1..].to_owned());
        circle(&names.iter().map(pair).collect())
    };
    assert_eq!(arrows(&["ab", "bc", "ac"]), [""; 0]);
    assert_eq!(arrows(&["ab", "bc", "ca", "da", "ae"]), ["a", "b", "c"]);
}
