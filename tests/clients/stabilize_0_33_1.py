"""HighwayTask of stabilize 0.33.1, in stages of a stabilize workflow; the outcome is the last line of output."""

import json
import logging
import sys
import time

from stabilize import HighwayTask, StageExecution, TaskExecution, Workflow, WorkflowStatus

logging.disable(logging.CRITICAL)


def execute(definition, inputs=None, **context):
    """Does what stabilize's own processor does with a stage of one task, without its database."""
    stage = StageExecution(
        ref_id="1",
        type="highway",
        name="highway",
        context={"highway_workflow_definition": definition, "highway_inputs": inputs or {}, **context},
        tasks=[TaskExecution.create(name="Highway", implementing_class="highway", stage_start=True, stage_end=True)],
    )
    workflow = Workflow.create(application="tests", name="tests", stages=[stage])
    stage = workflow.stages[0]
    task, calls = HighwayTask(), 0
    while True:
        result = task.execute(stage)
        calls += 1
        stage.context.update(result.context)
        if result.status != WorkflowStatus.RUNNING or calls > 300:
            return {"status": result.status.name, "calls": calls, **result.context, **result.outputs}
        time.sleep(0.1)


def http(name, url, **more):
    return {
        "task_id": name,
        "operator_type": "task",
        "dependencies": [],
        "function": "tools.http.request",
        "kwargs": {"url": url, "method": "GET", "timeout": 30},
        **more,
    }


def simple(url):
    """The first workflow of its example: one request, whose answer is the result."""
    return {
        "name": "simple_http_test",
        "version": "1.0.0",
        "start_task": "fetch_test",
        "tasks": {"fetch_test": http("fetch_test", url, trigger_rule="all_success", result_key="test_response")},
        "variables": {},
        "max_active_runs": 1,
    }


def parallel(url):
    """The second one: three requests in branches."""
    branches = {f"branch_{number}": f"fetch_url_{number}" for number in (1, 2, 3)}
    return {
        "name": "parallel_url_fetcher",
        "version": "1.0.0",
        "start_task": "fork_fetches",
        "tasks": {
            "fork_fetches": {
                "task_id": "fork_fetches",
                "operator_type": "parallel",
                "dependencies": [],
                "trigger_rule": "all_success",
                "result_key": "fork_data",
                "branches": {branch: [name] for branch, name in branches.items()},
                "branch_workflows": {
                    branch: {
                        "name": f"fork_fetches_{branch}",
                        "version": "1.0.0",
                        "tasks": {name: http(name, f"{url}?{branch}", result_key=f"{branch}_response")},
                        "start_task": None,
                    }
                    for branch, name in branches.items()
                },
                "timeout": 120,
            },
            "wait_for_branches": {
                "task_id": "wait_for_branches",
                "operator_type": "task",
                "dependencies": ["fork_fetches"],
                "trigger_rule": "all_success",
                "function": "tools.workflow.wait_for_parallel_branches",
                "args": ["{{fork_data}}"],
                "kwargs": {"timeout_seconds": 120},
                "result_key": "branch_results",
            },
            "aggregate_results": {
                "task_id": "aggregate_results",
                "operator_type": "task",
                "dependencies": ["wait_for_branches"],
                "trigger_rule": "all_success",
                "function": "tools.shell.run",
                "args": ["echo 'All URLs fetched successfully'"],
                "kwargs": {},
                "result_key": "final_message",
            },
        },
        "variables": {},
        "max_active_runs": 1,
    }


def shell(command):
    task = {"task_id": "run", "operator_type": "task", "dependencies": [], "function": "tools.shell.run", "args": [command]}
    return {"name": "shell", "version": "1.0.0", "tasks": {"run": task}}


scenario, *rest = sys.argv[1].split(" ")
outcome = {
    "simple": lambda: execute(simple(rest[0])),
    "parallel": lambda: execute(parallel(rest[0])),
    "inputs": lambda: execute(shell("echo {{inputs.name}}"), {"name": "Ada"}),
    "failed": lambda: execute(shell("exit 3")),
}[scenario]()
print(json.dumps(outcome, default=str))
