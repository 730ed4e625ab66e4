//! Drawings of workflows that are odd: ids and labels that mean something to Mermaid or Graphviz, edges across loops,
//! branches that cannot be read, deep and large ones.

use crate::support::graphviz::{Drawn, check_dot, leave_for_mermaid};
use highway_wasm::definition::{Workflow, read};
use highway_wasm::graph::{EdgeKind, Scene, dot, mermaid};
use serde_json::{Map, Value, json};

/// An operator of the given type with what it depends on.
fn operator(id: &str, operator_type: &str, dependencies: &[&str], fields: Value) -> Value {
    let mut map = json!({"task_id": id, "operator_type": operator_type, "dependencies": dependencies});
    map.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    map
}

fn task(id: &str, dependencies: &[&str]) -> Value {
    operator(id, "task", dependencies, json!({"function": "f"}))
}

fn each(id: &str, dependencies: &[&str], body: &[Value]) -> Value {
    operator(id, "foreach", dependencies, json!({"items": "{{ xs }}", "loop_body": body}))
}

fn tasks(list: &[Value]) -> Value {
    let entry = |task: &Value| (task["task_id"].as_str().unwrap().to_owned(), task.clone());
    json!({"name": "w", "tasks": list.iter().map(entry).collect::<Map<_, _>>()})
}

fn parallel(id: &str, branches: &[(&str, Value)]) -> Value {
    let workflows: Map<String, Value> =
        branches.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
    operator(id, "parallel", &[], json!({"branch_workflows": workflows}))
}

fn workflow(list: &[Value]) -> Workflow {
    read(&tasks(list)).workflow
}

/// Lines of a text after its header, without indentation.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("classDef")).skip(1).collect()
}

const IDS: &[&str] = &[
    "end",
    "start",
    "state",
    "State",
    "note",
    "class",
    "CLASS",
    "classDef",
    "default",
    "click",
    "href",
    "style",
    "scale",
    "direction",
    "my direction",
    "LR_x",
    "accTitle",
    "accDescr",
    "stateDiagram",
    "graph",
    "node",
    "Node",
    "edge",
    "subgraph",
    "digraph",
    "strict",
    "root",
    "root_start",
    "root_end",
    "constructor",
    "__proto__",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "a-b",
    "a_b",
    "a b",
    "a.b",
    "a:b",
    "größe",
    "日本",
    "defaultß",
    "",
    "_",
    "1",
    "2 x",
    "{{ x }}",
    "a\"b",
    "a'b",
    "a\\b",
    "a\nb",
    "a;b",
    "a%%b",
    "%%",
    "a#b",
    "#",
    "[*]",
    "-->",
    "--",
    "<<fork>>",
    "[[join]]",
    "a/b",
    "a\tb",
    "\u{a0}",
    "a\u{2028}b",
    "\u{1F600}",
    "undefined",
    "null",
    "true",
    "as",
    "fork",
    "cluster_x",
    "a,b",
    "x_y_",
];

const LABELS: &[&str] = &[
    "a: b",
    "::a",
    "a:",
    ":",
    "a;b",
    "a#b",
    "#35;",
    "a &amp; b",
    "&lt;",
    "a & b",
    "<b>x</b>",
    "<script>alert(1)</script>",
    "1 < 2 > 0",
    "{{ x.y }}",
    "x {",
    "} y",
    "50%% off",
    "%%{init: {}}%%",
    "a %%{init: {}}%% b",
    "a\\nb",
    "a\\",
    "\\N \\G",
    "two\nlines",
    "crlf\r\nline",
    "`code` **bold** _it_ ~~x~~",
    "__init__",
    "a_b _c d_",
    "$$x^2$$",
    "go direction TB now",
    "Direction\nLR",
    "x <<fork>> y",
    "x [[fork]] y",
    "[[choice]]",
    "a --> b",
    "- list",
    "1. list",
    "* x",
    "+ y",
    "# head",
    "> quote",
    "style x:y #35; z;",
    "style x:#fff;",
    "classDef x:y#z; q",
    "fa:fa-book",
    "http://x.y/z?a=b&c=d",
    "x as y",
    "say \"hi\"",
    "'",
    "\"",
    "\"\"",
    "]",
    "\u{1}ctl\u{7f}",
    "tab\there",
    "emoji \u{1F600}",
    "größe",
    "日本語",
    "|",
    "a|b",
    "end note",
    "note right of x",
    "state \"x\" as y",
    "=",
    "@{shape: x}",
    "({[",
    "~",
    "^",
    "\u{200d}",
    "ünï \u{301}",
];

fn odd() -> Vec<(String, Workflow)> {
    let mut list = Vec::new();
    let chain = |ids: &[&str]| {
        let entry = |at: usize| task(ids[at], if at == 0 { &[] } else { std::slice::from_ref(&ids[at - 1]) });
        workflow(&(0..ids.len()).map(entry).collect::<Vec<_>>())
    };
    list.push(("all ids".to_owned(), chain(IDS)));
    for id in IDS {
        let body = [task("b", &[id])];
        let described =
            operator(id, "foreach", &["a"], json!({"items": "x", "loop_body": body, "description": "d"}));
        let choice =
            operator("k", "condition", &["a"], json!({"condition": "c", "if_true": id, "if_false": "LR_y"}));
        list.push((
            format!("id {id:?}"),
            workflow(&[task("a", &[]), described, choice, task("LR_y", &["k", id])]),
        ));
    }
    for label in LABELS {
        let plain = operator("a", "task", &[], json!({"function": "f", "description": label}));
        let cases = json!({"switch_on": "v", "cases": {*label: "b"}, "default": "b"});
        let mut body = each("l", &["s"], std::slice::from_ref(&plain));
        body["description"] = (*label).into();
        let all = [plain, operator("s", "switch", &["a"], cases), task("b", &["s"]), body];
        list.push((format!("label {label:?}"), workflow(&all)));
    }
    list.extend(structures());
    list
}

fn structures() -> Vec<(String, Workflow)> {
    let same = tasks(&[task("t", &[]), task("u", &["t"])]);
    let choice = json!({"branches": {"b": {"condition": "{{ n }} > 1", "tasks": []}, "none": {"condition": "x < 1", "tasks": ["q"]}},
        "branch_workflows": {"b": same}});
    let children: Map<String, Value> =
        (0..20).map(|at| (format!("c{at}"), json!({"workflow_name": "w<1>"}))).collect();
    let named = |name: &str, list: &[Value]| (name.to_owned(), workflow(list));
    vec![
        named("nothing", &[]),
        named(
            "same ids in branches",
            &[
                parallel("p", &[("x", same.clone()), ("y", same.clone()), ("x_t", same)]),
                task("t", &[]),
                task("p_x", &[]),
            ],
        ),
        named(
            "names of marks",
            &[
                each("p", &[], &[task("p_start", &["p"]), task("p_end", &["p_start"])]),
                task("root_start", &["p"]),
            ],
        ),
        named("out of a loop", &[each("l", &[], &[task("w", &["l"])]), task("x", &["w"])]),
        named("into a loop", &[task("x", &[]), each("l", &["x"], &[task("w", &["x"])])]),
        named(
            "from loop to loop",
            &[
                each("l", &[], &[task("w", &["l"])]),
                each("m", &["l"], &[task("v", &["w"])]),
                task("z", &["v", "m"]),
            ],
        ),
        named("loop after its own body", &[each("l", &["w"], &[task("w", &["l"])])]),
        named("loop after itself", &[each("l", &["l"], &[task("w", &["l", "w"])])]),
        named(
            "circle of containers",
            &[each("l", &["m"], &[task("w", &["l"])]), each("m", &["l"], &[task("v", &["w"])])],
        ),
        named(
            "branches that cannot be read",
            &[parallel(
                "p",
                &[
                    ("text", json!("x")),
                    ("null", json!(null)),
                    (
                        "some",
                        json!({"tasks": {"good": task("good", &["bad"]), "bad": {"operator_type": "nothing"}, "worse": 7}}),
                    ),
                    ("list", json!([1])),
                ],
            )],
        ),
        named("choice", &[operator("m", "multi_choice", &[], choice), task("z", &["m"])]),
        named("children", &[operator("c", "child_workflow", &[], json!({"children": children}))]),
        named(
            "deep loops",
            &[(0..30).fold(each("l", &[], &[]), |inner, at| each(&format!("l{at}"), &[], &[inner]))],
        ),
        named(
            "deep branches",
            &[(0..25)
                .fold(task("t", &[]), |inner, at| parallel(&format!("p{at}"), &[("b", tasks(&[inner]))]))],
        ),
        named(
            "loop beside a task in a branch",
            &[parallel(
                "both",
                &[
                    ("left", tasks(&[task("pack", &[])])),
                    (
                        "right",
                        tasks(&[task("bill", &[]), each("dun", &["bill"], &[task("remind", &["dun"])])]),
                    ),
                ],
            )],
        ),
        named("body twice", &[each("l", &[], &[task("w", &[]), task("w", &[])]), task("w", &[])]),
    ]
}

#[test]
fn graphviz_takes_every_odd_workflow() {
    let drawn: Vec<Drawn> = odd().iter().map(|(name, workflow)| Drawn::new(name, workflow)).collect();
    let count = check_dot(drawn.iter().map(|it| (it.name.as_str(), it.dot.as_str())));
    leave_for_mermaid("odd.json", &drawn);
    println!("{} odd workflows, {count} seen by Graphviz", drawn.len());
}

#[test]
fn names_are_unique_and_those_without_trouble_stay() {
    let text = mermaid(&odd()[0].1);
    let mut names: Vec<&str> =
        lines(&text).iter().filter_map(|line| line.rsplit_once("\" as ")).map(|it| it.1).collect();
    assert_eq!(names.len(), IDS.len());
    for name in ["end", "start", "a_b", "größe", "日本", "_", "graph", "node"] {
        assert!(names.contains(&name), "{name}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), IDS.len());
}

#[test]
fn labels_are_escaped() {
    let one = |label: &str| {
        let workflow =
            workflow(&[operator("a", "task", &[], json!({"function": "f", "description": label}))]);
        (lines(&mermaid(&workflow))[0].to_owned(), dot(&workflow).lines().nth(9).unwrap().trim().to_owned())
    };
    assert_eq!(
        one("a \"b\"\n<c> # d; \\n & é").0,
        "state \"a 'b'<br/>#60;c#62; #35; d#59; #92;n #38; é\" as a"
    );
    assert_eq!(one("a \"b\"\n<c> # d; \\n & é").1, "a [label=\"a \\\"b\\\"\\n<c> # d; \\\\n &amp; é\"];");
    assert_eq!(
        one("go direction TB, __init__ a_b 5%% [[x]] [y]").0,
        "state \"go directio#110; TB, #95;#95;init#95;#95; a_b 5#37;#37; #91;#91;x]] [y]\" as a"
    );
    // Graphviz takes no text of any length.
    let long = "é\\".repeat(9000);
    check_dot([("long", dot(&workflow(&[task(&long, &[])])).as_str())].into_iter());
    let shown = one(&long).1;
    assert_eq!(shown, format!("a [label=\"{}…\"];", "é\\\\".repeat(500)));
    assert_eq!(one("  ").0, "state \"a\" as a");
}

#[test]
fn edges_across_a_loop_lead_to_its_body_and_lie_where_both_ends_are_seen() {
    let workflow = workflow(&[
        task("x", &[]),
        each("l", &["x"], &[task("v", &["l"]), task("w", &["v", "x"])]),
        task("y", &["w", "l"]),
    ]);
    assert_eq!(lines(&mermaid(&workflow)).join("\n"), "state \"l (ForEach)\" as l {\nstate \"v\" as v\nstate \"w\" as w\n[*] --> v
v --> w\nw --> [*]\n}\nclass l loop\nstate \"x\" as x\nstate \"y\" as y\n[*] --> x\nx --> l\nl --> y\nw --> y\ny --> [*]\nx --> w");
    let text = dot(&workflow);
    assert!(text.ends_with("    start -> x;\n    x -> l;\n    l -> y;\n    w -> y;\n    y -> end;\n    l -> v;\n    x -> w;\n}"), "{text}");
    let scene = Scene::new(&workflow);
    let across =
        scene.edges.iter().find(|edge| scene.nodes[edge.from].id == "w" && scene.nodes[edge.to].id == "y");
    assert_eq!(scene.scope(across.unwrap()), None);
    assert_eq!(
        scene.edges.iter().filter(|edge| edge.kind == EdgeKind::Dependency).count(),
        scene.edges.len()
    );
}

#[test]
fn what_only_looks_like_the_body_of_a_loop_is_drawn_too() {
    let mut other = task("w", &[]);
    other["description"] = "another".into();
    let scene = Scene::new(&workflow(&[each("l", &[], &[task("w", &["l"])]), other, task("x", &["w"])]));
    let found: Vec<_> = scene.nodes.iter().map(|node| (node.path.as_str(), node.parent)).collect();
    assert_eq!(
        found,
        [("/tasks/l", None), ("/tasks/l/loop_body/0", Some(0)), ("/tasks/w", None), ("/tasks/x", None)]
    );
    // Its own scope comes first where an id leads to two.
    assert!(scene.edges.iter().any(|edge| (edge.from, edge.to) == (2, 3)));
}

#[test]
fn every_node_has_its_own_path_and_lies_behind_its_container() {
    for (name, workflow) in odd() {
        let scene = Scene::new(&workflow);
        let mut paths: Vec<&str> = scene.nodes.iter().map(|node| node.path.as_str()).collect();
        paths.sort_unstable();
        assert!(paths.windows(2).all(|pair| pair[0] != pair[1]), "{name}: {paths:?}");
        for (at, node) in scene.nodes.iter().enumerate() {
            assert!(node.parent.is_none_or(|parent| parent < at), "{name}: {}", node.path);
            assert!(scene.children(node.parent).contains(&at), "{name}: {}", node.path);
        }
    }
}

#[test]
fn large_workflows_are_drawn() {
    let ids: Vec<String> = (0..100_000).map(|at| format!("t-{at}")).collect();
    let entry = |at: usize| if at == 0 { task(&ids[0], &[]) } else { task(&ids[at], &[&ids[at - 1]]) };
    let chain = workflow(&(0..ids.len()).map(entry).collect::<Vec<_>>());
    assert_eq!(mermaid(&chain).lines().filter(|line| line.contains(" --> ")).count(), 100_001);
    let (above, below) = ids.split_at(300);
    let above: Vec<&str> = above.iter().map(String::as_str).collect();
    let mut all: Vec<Value> = above.iter().map(|id| task(id, &[])).collect();
    all.extend(below.iter().take(300).map(|id| task(id, &above)));
    assert_eq!(dot(&workflow(&all)).lines().filter(|line| line.contains(" -> ")).count(), 90_600);
}
