//! What `{{ }}` in the arguments of a task reads.

use crate::support::{self, Scenario, attempts, graph, independent, with};
use highway_wasm::engine::Config;
use highway_wasm::template::Mode;
use serde_json::{Value, json};

/// `first` has a result; `second` depends on it and takes `kwargs`.
fn two(kwargs: Value) -> Value {
    let document = with(graph(&[("first", &[][..]), ("second", &["first"])]), "/tasks/second/kwargs", kwargs);
    with(document, "/variables", json!({"day": "mon", "deep": {"list": [1, {"x": "y"}]}, "both": "variable"}))
}

/// The arguments `second` gets where `first` gave `result`.
fn resolved(kwargs: Value, result: Value) -> Value {
    let mut run = Scenario::new();
    run.submit_with(&two(kwargs), json!({"both": "input", "only": true}));
    run.succeed("first", result);
    let call = run.expect_start("second");
    call.kwargs
}

fn text(template: &str, result: Value) -> Value {
    resolved(json!({"v": template}), result)["v"].clone()
}

#[test]
fn results_by_result_key_and_by_task_id() {
    let result = json!({"stdout": "out", "n": 3, "list": [{"k": null}, "b"], "größe": 1, "a-b": 2});
    for (template, expected) in [
        ("{{first_result}}", result.clone()),
        ("{{ first_result.stdout }}", json!("out")),
        ("{{first.n}}", json!(3)),
        ("{{first_result.list[1]}}", json!("b")),
        ("{{first_result.list.1}}", json!("b")),
        ("{{first_result.list.length}}", json!(2)),
        ("{{first_result.stdout.length}}", json!(3)),
        ("{{first_result[\"a-b\"]}}", json!(2)),
        ("{{first_result.größe}}", json!(1)),
        ("{{first_result.missing.deeper}}", json!(null)),
        ("{{results.first_result.n}}", json!(3)),
        ("n is {{first.n}}, list {{first.list}}", json!("n is 3, list [{\"k\":null},\"b\"]")),
        ("{{first.n}}{{first.n}}", json!("33")),
    ] {
        assert_eq!(text(template, result.clone()), expected, "{template}");
    }
}

#[test]
fn inputs_lie_over_variables_in_one_scope() {
    for (template, expected) in [
        ("{{day}}", json!("mon")),
        ("{{inputs.day}}", json!("mon")),
        ("{{variables.both}}", json!("input")),
        ("{{both}}", json!("input")),
        ("{{inputs.both}}", json!("input")),
        ("{{only}}", json!(true)),
        ("{{inputs.deep.list[1].x}}", json!("y")),
        ("{{deep.list.length}}", json!(2)),
        (
            "{{inputs}}",
            json!({"day": "mon", "deep": {"list": [1, {"x": "y"}]}, "both": "input", "only": true}),
        ),
    ] {
        assert_eq!(text(template, json!(1)), expected, "{template}");
    }
}

#[test]
fn the_run_and_its_workflow() {
    for (template, expected) in [
        ("{{workflow.name}}", "scenario"),
        ("{{workflow.version}}", "1.0.0"),
        ("{{workflow.run_id}}", "run-1"),
        ("{{workflow.run_date}}", "2030-01-01"),
        ("{{workflow.day}}", "mon"),
        ("{{workflow_run_id}}", "run-1"),
        ("{{run.id}}", "run-1"),
        ("{{run.started_at}}", "2030-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(text(template, json!(1)), json!(expected), "{template}");
    }
}

#[test]
fn the_environment_is_what_the_host_gives() {
    let env = json!({"REGION": "eu"}).as_object().unwrap().clone();
    let mut run = Scenario::with(Config { env, ..Config::default() });
    run.submit(&with(independent(&["a"]), "/tasks/a/args", json!(["{{ENV.REGION}}", "in {{ENV.REGION}}"])));
    let call = run.expect_start("a");
    assert_eq!(call.args, [json!("eu"), json!("in eu")]);
    run.submit(&with(independent(&["b"]), "/tasks/b/args", json!(["{{ENV.REGOIN}}"])));
    run.assert_status("failed");
    assert!(run.view().to_string().contains("did you mean `REGION`?"));
}

#[test]
fn a_result_key_comes_before_a_task_id_and_both_before_inputs() {
    let document = graph(&[("a", &[][..]), ("b", &[]), ("c", &["a", "b"])]);
    let document = with(document, "/tasks/b/result_key", "a");
    let document = with(document, "/tasks/c/args", json!(["{{a}}", "{{b}}", "{{inputs.a}}", "{{a_result}}"]));
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"a": "input", "b": "input"}));
    run.succeed("a", json!("of a"));
    run.succeed("b", json!("of b"));
    assert_eq!(run.expect_start("c").args, [json!("of b"), json!("of b"), json!("input"), json!("of a")]);
}

#[test]
fn a_result_key_written_twice_holds_the_last_result() {
    let document = graph(&[("second", &["first"][..]), ("first", &[]), ("end", &["second"])]);
    let document = with(document, "/tasks/first/result_key", "total");
    let document = with(document, "/tasks/second/result_key", "total");
    let mut run = Scenario::of(&with(document, "/tasks/end/args", json!(["{{total}}"])));
    run.succeed("first", json!(1));
    run.succeed("second", json!(2));
    assert_eq!(run.succeed("end", json!(null)).args, [json!(2)]);
    assert_eq!(run.view()["result"]["total"], 2);
}

#[test]
fn lists_and_objects_are_resolved_inside_but_keys_are_not() {
    assert_eq!(
        resolved(
            json!({"{{day}}": [["{{first.n}}"], {"x": "{{day}}!"}], "plain": [1, null, true]}),
            json!({"n": 7})
        ),
        json!({"{{day}}": [[7], {"x": "mon!"}], "plain": [1, null, true]})
    );
}

#[test]
fn what_came_out_of_a_template_is_not_resolved_again() {
    assert_eq!(text("{{first}}", json!("{{day}}")), json!("{{day}}"));
    assert_eq!(text("x {{first}} ${first}", json!("${day}")), json!("x ${day} ${day}"));
    assert_eq!(text("{{first}}{{first}}", json!("{{")), json!("{{{{"));
}

#[test]
fn dollar_braces_are_templates_where_the_first_name_is_known() {
    assert_eq!(text("${first.n}", json!({"n": 7})), json!(7));
    assert_eq!(text("${day}/${HOME}/${first.n}", json!({"n": 7})), json!("mon/${HOME}/7"));
    assert_eq!(text("$day $ ${ ${}", json!(1)), json!("$day $ ${ ${}"));
}

#[test]
fn in_a_shell_command_dollar_braces_belong_to_the_shell() {
    let document = with(independent(&["a"]), "/tasks/a/function", "tools.shell.run");
    let document = with(document, "/variables", json!({"day": "mon"}));
    let mut run =
        Scenario::of(&with(document, "/tasks/a/args", json!(["echo ${day} {{day}} ${#day} {{.Names}}"])));
    assert_eq!(run.expect_start("a").args, [json!("echo ${day} mon ${#day} {{.Names}}")]);
}

#[test]
fn a_template_inside_other_braces_is_found() {
    for (template, expected) in [
        ("${HOME:-{{day}}}", "${HOME:-mon}"),
        ("`${f({{day}})}`", "`${f(mon)}`"),
        ("{{\"a\": \"{{day}}\"}}", "{{\"a\": \"mon\"}}"),
        ("{{ ${day}", "{{ mon"),
    ] {
        assert_eq!(text(template, json!(1)), json!(expected), "{template}");
    }
}

#[test]
fn braces_are_written_literally_between_raw_and_endraw() {
    for (template, expected) in [
        ("{% raw %}{{json .}}{% endraw %}", "{{json .}}"),
        (
            "ps --format '{% raw %}{{range .}}{{.name}}{{end}}{% endraw %}' {{day}}",
            "ps --format '{{range .}}{{.name}}{{end}}' mon",
        ),
        ("{% raw %}${day}{% endraw %} ${day}", "${day} mon"),
        ("{% raw %}{{day}}{% endraw %}", "{{day}}"),
        ("{% raw %}a\n{% if x %}{% endraw %}", "a\n{% if x %}"),
        ("C:\\{{day}} \\d\\{2}", "C:\\mon \\d\\{2}"),
        ("jq '{{{day}}: 1}' {{{day}}}", "jq '{mon: 1}' {mon}"),
    ] {
        assert_eq!(text(template, json!(1)), json!(expected), "{template}");
    }
    let mut lenient = Scenario::with(Config { templates: Mode::Lenient, ..Config::default() });
    lenient.submit(&two(json!({"v": "{% raw %}{{day}}{% endraw %} {{nope}}", "w": "{% raw %}{{day}}"})));
    lenient.succeed("first", json!(1));
    let call = lenient.expect_start("second");
    assert_eq!(call.kwargs, json!({"v": "{{day}} {{nope}}", "w": "{% raw %}{{day}}"}));
}

#[test]
fn help_tells_how_braces_are_written_literally() {
    for (template, code) in [
        ("docker inspect --format='{{index .RepoDigests 0}}'", "TEMPLATE_INVALID"),
        ("docker ps --format '{{json .}}'", "TEMPLATE_INVALID"),
        ("{{range .items}}{{.name}}{{end}}", "TEMPLATE_INVALID"),
        ("{{end}}", "TEMPLATE_UNRESOLVED"),
        ("{{ a ?? 'x' }}", "TEMPLATE_INVALID"),
    ] {
        let mut run = Scenario::of(&two(json!({"v": template})));
        run.succeed("first", json!(1));
        let error = &run.step("second")["error_details"];
        assert_eq!(error["code"], code, "{template}");
        assert!(
            error["help"].as_str().unwrap().contains("between `{% raw %}` and `{% endraw %}`"),
            "{error}"
        );
    }
    let mut run = Scenario::of(&two(json!({"v": "{% raw %}{{json .}}"})));
    run.succeed("first", json!(1));
    assert_eq!(run.failure_code(), "TEMPLATE_INVALID");
    assert!(run.view().to_string().contains("`{% raw %}` is not closed by `{% endraw %}`"));
}

#[test]
fn a_condition_reads_braces_in_quotes_as_any_text() {
    let document = with(
        two(json!({})),
        "/tasks/check",
        json!({"task_id": "check", "operator_type": "condition",
        "condition": "'{% raw %}{{day}}{% endraw %} {{day}}' == '{{a}} mon' and '{{{day}}}' == '{mon}'",
        "if_true": "second", "if_false": null}),
    );
    let mut run = Scenario::new();
    run.submit_with(&document, json!({"a": "{{day}}"}));
    run.succeed("first", json!(1));
    run.expect_start("second");
}

/// A text may have very many templates, and a run very many inputs.
#[test]
fn many_templates_are_resolved_in_one_pass() {
    let names: Vec<String> = (0..20_000).map(|at| format!("n{at}")).collect();
    let inputs: Value =
        names.iter().map(|name| (name.clone(), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let known = names.iter().map(|name| format!("{{{{inputs.{name}}}}}")).collect::<Vec<_>>().concat();
    let unknown = "${nope}".repeat(20_000);
    let mut run = Scenario::new();
    run.submit_with(
        &two(json!({"known": known, "unknown": unknown, "open": "{{ {{a ".repeat(20_000)})),
        inputs,
    );
    run.succeed("first", json!(1));
    let call = run.expect_start("second");
    assert_eq!(call.kwargs["known"], "x".repeat(20_000));
    assert_eq!(call.kwargs["unknown"], unknown);
}

#[test]
fn an_unknown_name_fails_the_task_and_names_the_nearest() {
    for (template, path, help) in [
        ("{{frist_result.stdout}}", "frist_result.stdout", "did you mean `first_result`?"),
        ("a {{ inputs.dya }}", "inputs.dya", "did you mean `day`?"),
        ("{{results.first_reslt}}", "results.first_reslt", "did you mean `first_result`?"),
        ("{{second}}", "second", "`second` is the result of a task that has not succeeded here"),
        ("{{zzz}}", "zzz", "known are"),
    ] {
        let document = with(two(json!({"v": template})), "/tasks/second/retry_policy", attempts(5, 1.0, 2.0));
        let mut run = Scenario::of(&document);
        run.succeed("first", json!(1));
        run.expect_no_start();
        run.assert_status("failed");
        run.assert_steps("first=succeeded second=failed");
        let error = &run.step("second")["error_details"];
        assert_eq!(error["code"], "TEMPLATE_UNRESOLVED", "{template}");
        assert!(error["message"].as_str().unwrap().contains(path), "{error}");
        assert!(error["help"].as_str().unwrap().contains(help), "{error}");
    }
}

#[test]
fn what_is_no_path_is_an_error_of_its_own() {
    for template in ["{{first + 1}}", "{{range(10)}}", "{{first | upper}}", "{{first.}}"] {
        let mut run = Scenario::of(&two(json!({"v": template})));
        run.succeed("first", json!(1));
        run.assert_status("failed");
        assert_eq!(run.failure_code(), "TEMPLATE_INVALID", "{template}");
    }
}

#[test]
fn an_unresolved_template_leaves_independent_tasks_alone() {
    let document =
        with(graph(&[("a", &[][..]), ("b", &["a"]), ("c", &[])]), "/tasks/a/args", json!(["{{nope}}"]));
    let mut run = Scenario::with_places(1);
    run.submit(&document);
    run.assert_steps("a=failed b=skipped c=running");
    run.succeed("c", json!(1));
    run.assert_status("failed");
}

#[test]
fn lenient_templates_keep_their_text() {
    let mut run = Scenario::with(Config { templates: Mode::Lenient, ..Config::default() });
    run.submit(&two(json!({"v": "{{nope.x}} {{day}} {{a + b}}", "w": "{{inputs.nope}}"})));
    run.succeed("first", json!(1));
    assert_eq!(
        run.expect_start("second").kwargs,
        json!({"v": "{{nope.x}} mon {{a + b}}", "w": "{{inputs.nope}}"})
    );
}

#[test]
fn a_failed_task_is_no_name_and_a_retried_one_reads_anew() {
    let document =
        with(graph(&[("a", &[][..]), ("b", &[]), ("c", &["b"])]), "/tasks/c/args", json!(["{{a.stdout}}"]));
    let mut run = Scenario::of(&document);
    let call = run.expect_start("a");
    run.finish(&call, support::failing_with(json!({"stdout": "x"})));
    run.succeed("b", json!(1));
    run.assert_steps("a=failed b=succeeded c=failed");

    let document = with(independent(&["a", "b"]), "/tasks/b/args", json!(["{{b_input}} ${a}"]));
    let mut run = Scenario::new();
    run.submit_with(
        &with(document, "/tasks/b/retry_policy", attempts(2, 1.0, 1.0)),
        json!({"b_input": "in"}),
    );
    let first = run.expect_start("b");
    assert_eq!(first.args, [json!("in ${a}")]);
    run.finish(&first, support::failing("TOOL_FAILED"));
    run.succeed("a", json!("of a"));
    run.advance(1.0);
    assert_eq!(run.expect_start("b").args, [json!("in of a")]);
}
