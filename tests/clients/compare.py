"""Runs programs for the Python packages, one JSON text a line, and answers each with what became of it, one a line.

A program is what `support/programs.mjs` makes. `compare.py dsl` builds workflows with highway_dsl, `compare.py driver` with highway.
"""

import json
import linecache
import sys
from datetime import datetime, timedelta


def value(given):
    """A value of a program as Python: durations, moments and callbacks are marked."""
    if isinstance(given, list):
        return [value(item) for item in given]
    if not isinstance(given, dict):
        return given
    if "$timedelta" in given:
        return timedelta(**given["$timedelta"])
    if "$datetime" in given:
        return datetime.fromisoformat(given["$datetime"])
    if "$sub" in given:
        part = lambda builder: make(builder, given["$sub"])
        return (value(given["condition"]), part) if "condition" in given else part
    return {key: value(item) for key, item in given.items()}


def make(builder, calls):
    for method, params in calls:
        call(builder, method, params)
    return builder


def call(target, method, params):
    params = value(params)
    if method == "add_tags":
        return target.add_tags(*params["tags"])
    if method == "set_default_retry_policy":
        from highway_dsl import RetryPolicy

        params["policy"] = RetryPolicy(**params["policy"])
    return getattr(target, method)(**params)


def attempt(action):
    try:
        return {"value": action()}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def dsl(program):
    from highway_dsl import Workflow, WorkflowBuilder

    def texts(workflow):
        return [workflow.to_json(), workflow.to_yaml()]

    if "document" in program:
        return attempt(lambda: texts(Workflow.from_json(program["document"])))
    at = "new"
    try:
        builder = WorkflowBuilder(**program["new"])
        for at, (method, params) in enumerate(program["calls"]):
            call(builder, method, params)
        at = "build"
        workflow = builder.build()
        for at, (method, params) in enumerate(program["setters"]):
            call(workflow, method, params)
        at = "write"
        json_text, yaml_text = texts(workflow)
    except Exception as error:
        return {"at": at, "error": f"{type(error).__name__}: {error}"[:300]}

    def again():
        workflow = Workflow.from_json(json_text)
        make(workflow, program["setters"])
        return texts(workflow)

    def more():
        builder = WorkflowBuilder("unused", existing_workflow=Workflow.from_json(json_text))
        return texts(make(builder, program["more"]).build())

    return {
        "json": json_text,
        "yaml": yaml_text,
        "again": attempt(again),
        "fromYaml": attempt(lambda: texts(Workflow.from_yaml(yaml_text))),
        "more": attempt(more),
    }


def function(task, number):
    """A function whose source can be read, as the driver asks for."""
    name = task["name"]
    source = task.get("source") or f"def {name}():\n    return returned"
    file = f"<task {number} {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    scope = {"returned": value(task.get("returns"))}
    exec(compile(source, file, "exec"), scope)
    return scope[name]


def driver(program, number):
    from highway import Driver

    at = "new"
    try:
        instance = Driver(**program["new"])
        for at, task in enumerate(program["tasks"]):
            decorate = getattr(instance, task["method"])(**value(task["params"]))
            decorate(function(task, number))
        at = "build"
        document = instance._build_workflow(int(program["timeout"]), program["inputs"])
        return {"document": json.dumps(document, ensure_ascii=False)}
    except Exception as error:
        return {"at": at, "error": f"{type(error).__name__}: {error}"[:300]}


def main():
    which = sys.argv[1]
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    for number, line in enumerate(sys.stdin):
        program = json.loads(line)
        answer = dsl(program) if which == "dsl" else driver(program, number)
        print(json.dumps(answer))


main()
