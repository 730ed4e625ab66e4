//! Names in templates that name nothing: what is told, and what to write instead.

use crate::of;
use highway_wasm::definition::Form;
use highway_wasm::error::Diagnostic;
use highway_wasm::validate::validate_text;
use serde_json::{Value, json};

fn findings(document: &Value) -> Vec<Diagnostic> {
    validate_text(&document.to_string(), Form::Data, None)
}

/// What is told of a text in a task after `a`, which runs a command and has the result key `got`: severity and help.
fn advice(text: &str) -> String {
    let document = of(json!({
        "a": {"operator_type": "task", "function": "tools.shell.run", "args": ["ls"], "result_key": "got"},
        "b": {"operator_type": "task", "function": "x.y", "kwargs": {"v": text}, "dependencies": ["a"]},
    }));
    shown(&findings(&document))
}

fn shown(findings: &[Diagnostic]) -> String {
    let show = |finding: &Diagnostic| {
        format!("{}: {}", finding.severity.as_str(), finding.help.clone().unwrap_or_default())
    };
    findings.iter().map(show).collect::<Vec<_>>().join("; ")
}

fn in_loop(text: &str) -> String {
    let inner =
        json!({"task_id": "in", "operator_type": "task", "function": "tools.shell.run", "args": [text]});
    shown(&findings(&of(
        json!({"each": {"operator_type": "foreach", "items": "{{inputs.list}}", "loop_body": [inner]}}),
    )))
}

#[test]
fn a_result_that_is_named_as_elsewhere_is_told_with_its_name() {
    for text in [
        "{{a_result.stdout}}",
        "{{tasks.a.stdout}}",
        "{{tasks.a.result.stdout}}",
        "{{tasks.a.outputs.result}}",
        "{{steps.a.outputs.stdout}}",
        "{{ needs.a.outputs.stdout }}",
        "{{outputs.a.stdout}}",
        "{{a.result.stdout}}",
        "{{a.output}}",
        "{{a.outputs.stdout}}",
        "{{a.data.stdot}}",
    ] {
        assert_eq!(advice(text), "warning: write `{{a.stdout}}`", "{text}");
    }
    assert_eq!(advice("{{results.got.output}}"), "warning: write `{{results.got.stdout}}`");
    assert_eq!(advice("{{got.output.lines[0]}}"), "warning: write `{{got.stdout.lines[0]}}`");
    assert_eq!(advice("{{a.code}}"), "warning: write `{{a.returncode}}`");
}

#[test]
fn a_name_of_the_engine_that_is_written_as_elsewhere_is_told() {
    for (text, help) in [
        ("{{input.x}}", "write `{{inputs.x}}`"),
        ("{{Inputs.x}}", "write `{{inputs.x}}`"),
        ("{{ params.x[0] }}", "write `{{inputs.x[0]}}`"),
        ("{{workflow.parameters.x}}", "write `{{inputs.x}}`"),
        ("{{dag_run.conf.x}}", "write `{{inputs.x}}`"),
        ("{{github.run_id}}", "write `{{run_id}}`"),
        ("{{execution.id}}", "write `{{run_id}}`"),
        ("{{env.HOME}}", "write `{{ENV.HOME}}`"),
        ("{{vars.x}}", "write `{{variables.x}}`"),
        ("{{secret.x}}", "write `{{secrets.x}}`"),
        ("{{inptus.x}}", "did you mean `{{inputs.x}}`?"),
        ("{{workflwo.name}}", "did you mean `{{workflow.name}}`?"),
        ("{{workflow_runid}}", "did you mean `{{workflow_run_id}}`?"),
        ("{{A.stdout}}", "did you mean `{{a.stdout}}`?"),
        ("{{gto.stdout}}", "did you mean `{{got.stdout}}`?"),
    ] {
        assert_eq!(advice(text), format!("warning: {help}"), "{text}");
    }
    assert_eq!(advice("{{inputs.parameters.x}}"), "info: write `{{inputs.x}}`");
    // Each of these may be an input of the run.
    for text in [
        "{{items}}",
        "{{env}}",
        "{{input}}",
        "{{result}}",
        "{{secret}}",
        "{{params}}",
        "{{end.x}}",
        "{{x.id}}",
    ] {
        assert!(advice(text).starts_with("info: a run must give `"), "{text}: {}", advice(text));
    }
}

#[test]
fn a_name_that_a_namespace_lacks_is_told() {
    for (text, help) in [
        ("{{run.name}}", "it has `{{run.id}}` and `{{run.started_at}}`"),
        ("{{run.startedAt}}", "did you mean `{{run.started_at}}`?"),
        ("{{results.ghost.stdout}}", ""),
        ("{{results.Got.stdout}}", "did you mean `{{results.got.stdout}}`?"),
        ("{{workflow.versoin}}", "did you mean `{{workflow.version}}`?"),
    ] {
        assert_eq!(advice(text), format!("warning: {help}"), "{text}");
    }
    for text in ["{{run.id}}", "{{results.a}}", "{{workflow.run_date}}", "{{workflow.day}}", "{{inputs.day}}"]
    {
        assert_eq!(advice(text), "", "{text}");
    }
    let near = |text: &str| {
        let mut document =
            of(json!({"a": {"operator_type": "task", "function": "x.y", "kwargs": {"v": text}}}));
        document["variables"] = json!({"region": "eu"});
        shown(&findings(&document))
    };
    assert_eq!(near("{{inputs.regoin}}"), "warning: did you mean `{{inputs.region}}`?");
    assert_eq!(near("{{variables.Region}}"), "warning: did you mean `{{variables.region}}`?");
    assert_eq!(near("{{workflow.regio}}"), "warning: did you mean `{{workflow.region}}`?");
    assert_eq!(near("{{inputs.day}} {{inputs.region}} {{workflow.region}}"), "");
}

#[test]
fn a_name_of_a_loop_is_told_once() {
    for (text, help) in [
        ("echo {{itme}}", "did you mean `{{item}}`?"),
        ("echo {{Item.x}}", "write `{{item.x}}`"),
        ("echo {{this}}", "write `{{item}}`"),
        ("echo {{matrix.os}}", "write `{{item.os}}`"),
        ("echo {{loop.index}}", "write `{{iteration}}`"),
        ("echo {{loop.index0}}", "write `{{index}}`"),
        ("echo {{idnex}}", "did you mean `{{index}}`?"),
    ] {
        assert_eq!(in_loop(text), format!("warning: {help}"), "{text}");
    }
    assert!(advice("{{itme}}").starts_with("info"));
}

#[test]
fn braces_of_other_engines_are_told_with_ours() {
    for (text, help) in [
        ("{{ $json.x }}", "write `{{a.stdout}}`"),
        ("={{ $json[\"x\"] }}", "write `{{a.stdout}}`"),
        ("{{ $('got').item.json.x }}", "write `{{got.stdout}}`"),
        ("{{ $node[\"a\"].json.x }}", "write `{{a.stdout}}`"),
        ("{{ $env.HOME }}", "write `{{ENV.HOME}}`"),
        ("{{ $vars.x }}", "write `{{variables.x}}`"),
        ("{a.stdout}", "write `{{a.stdout}}`"),
        ("Bearer ${{ secrets.KEY }}", "write `{{secrets.KEY}}`"),
    ] {
        assert_eq!(advice(text), format!("warning: {help}"), "{text}");
    }
    for (text, help) in [
        ("{{ ti.xcom_pull(task_ids='a') }}", "write `{{a.stdout}}`"),
        ("{{ steps('got').x }}", "write `{{got.stdout}}`"),
    ] {
        assert_eq!(advice(text), format!("error: {help}"), "{text}");
    }
    // Text of others, and prices.
    for text in [
        "{{ $json }}",
        "{{ $x.y }}",
        "{{$.Values.x}}",
        "{x.y} {a} ${a.stdout} {{a.stdout}} #{a.stdout} {0}",
        "it costs ${{inputs.price}}",
        "$${{secrets.KEY}}",
    ] {
        assert_eq!(advice(text), "", "{text}");
    }
    let shell = |text: &str| {
        let task = json!({"operator_type": "task", "function": "tools.shell.run", "args": [text], "kwargs": {"env": {}}});
        let found = findings(&of(json!({"b": task})));
        shown(&found.into_iter().filter(|it| it.code.as_str() != "TEXT_PASTED").collect::<Vec<_>>())
    };
    assert_eq!(shell("echo ${{ inputs.x }}"), "warning: write `{{inputs.x}}`");
    assert_eq!(shell("echo \"${{ inputs.x }}\" '$1'"), "warning: write `{{inputs.x}}`");
    for text in ["awk '{print ${{inputs.column}}}'", "echo \\${{inputs.x}}", "echo $ {{inputs.x}}"] {
        assert_eq!(shell(text), "", "{text}");
    }
}

#[test]
fn what_is_no_template_is_told_with_a_name_of_its_own() {
    let literally = "to write literal braces, put them between `{% raw %}` and `{% endraw %}`";
    for (text, name) in [
        ("{{ inputs.x || 'y' }}", "inputs.x"),
        ("{{ a.stdout.strip() }}", "a.stdout"),
        ("{{ not inputs.n }}", "inputs.n"),
        ("{{ now() }}", "inputs.name"),
        ("{{ len(a.stdout) }}", "a.stdout"),
    ] {
        let help = format!("a template is a path such as `{{{{{name}}}}}`; it cannot compute; {literally}");
        assert_eq!(advice(text), format!("error: {help}"), "{text}");
    }
    assert_eq!(advice("{{ json .x }}"), format!("error: {literally}"));
    let guard = |variable: &str| {
        let guard = json!({"variable": variable, "check": "exists"});
        shown(&findings(&of(
            json!({"a": {"operator_type": "task", "function": "x.y", "preconditions": [guard]}}),
        )))
    };
    assert_eq!(guard("inputs.n == 1"), "error: name one variable, such as `{{inputs.n}}`");
    assert_eq!(guard("1 == 1"), "error: name one variable, such as `{{inputs.name}}`");
}

#[test]
fn a_list_by_its_name_is_told_with_its_template() {
    let each = |items: &str| {
        let inner = json!({"task_id": "in", "operator_type": "task", "function": "x.y"});
        let mut document =
            of(json!({"each": {"operator_type": "foreach", "items": items, "loop_body": [inner]}}));
        document["variables"] = json!({"names": []});
        shown(&findings(&document))
    };
    assert_eq!(each("inputs.list"), "warning: write `{{inputs.list}}`");
    assert_eq!(each("names"), "warning: write `{{names}}`");
    for items in ["[1]", "{{names}}", "${names}", "inputs", "anna", "a\nb", "x.y"] {
        assert_eq!(each(items), "", "{items}");
    }
}

#[test]
fn a_word_that_is_a_truth_must_name_something() {
    let choice = |condition: &str| {
        let document = of(json!({
            "a": {"operator_type": "task", "function": "tools.approval.request", "result_key": "review"},
            "c": {"operator_type": "condition", "condition": condition, "if_true": "t", "if_false": null, "dependencies": ["a"]},
            "t": {"operator_type": "task", "function": "x.y", "dependencies": ["c"]},
        }));
        let found = findings(&document).into_iter().filter(|it| it.code.as_str() == "TEMPLATE_NAME_UNKNOWN");
        shown(&found.collect::<Vec<_>>())
    };
    assert!(choice("aproved").starts_with("info: a run must give `aproved`"), "{}", choice("aproved"));
    assert_eq!(choice("not (reviw.approved)"), "warning: did you mean `{{review.approved}}`?");
    for condition in ["review.approved", "{{a.approved}} == true", "a.status == approved", "true"] {
        assert_eq!(choice(condition), "", "{condition}");
    }
}

#[test]
fn a_result_is_not_there_before_its_loop_is_over() {
    let each = |kind: Value, text: &str| {
        let inner =
            json!({"task_id": "in", "operator_type": "task", "function": "x.y", "kwargs": {"v": text}});
        let mut each = json!({"loop_body": [inner], "result_key": "all"});
        each.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        of(json!({"each": each}))
    };
    let foreach = || json!({"operator_type": "foreach", "items": "[1]"});
    for text in ["{{all}}", "{{each[0]}}", "{{results.all}}"] {
        let found = findings(&each(foreach(), text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].code.as_str(), "DEPENDENCY_MISSING");
        assert_eq!(found[0].path, "/tasks/each/loop_body/0/kwargs/v");
        assert!(
            found[0]
                .message
                .ends_with("the result of `each`, which exists only when all its rounds have ended")
        );
    }
    let mut given = each(foreach(), "{{all}}");
    given["variables"] = json!({"all": []});
    assert_eq!(shown(&findings(&given)), "");
    let again = |condition: &str| each(json!({"operator_type": "while", "condition": condition}), "x");
    for condition in ["{{all.n}} < 3", "{{in.n}} < 3", "not each.done"] {
        let found = findings(&again(condition));
        assert_eq!(found.len(), 1, "{condition}: {found:?}");
        assert!(found[0].message.ends_with("which does not exist before the first round"), "{found:?}");
        assert!(found[0].help.as_deref().unwrap().starts_with("give it a first value: `variables: {"));
    }
    let mut given = again("{{in.n}} < 3");
    given["variables"] = json!({"in": {"n": 0}});
    assert_eq!(shown(&findings(&given)), "");
    assert_eq!(shown(&findings(&again("{{iteration}} <= 3"))), "");
}
