"""highway 0.1.1 as its users write it; the scenario is the first argument, the outcome the last line of output."""

import json
import os
import sys
import time

from highway import Driver

# This version does not read the endpoint from the environment.
driver = Driver(api_key=os.environ["HIGHWAY_API_KEY"], endpoint=os.environ["HIGHWAY_API_ENDPOINT"])


def told(result):
    return {
        "run_id": result.run_id,
        "status": result.status,
        "state": result.state.value,
        "error": result.error,
        "has_times": result.started_at is not None and result.completed_at is not None,
        "tasks": {name: {"state": task.state.value, "result": task.result} for name, task in result.tasks.items()},
    }


def happy():
    @driver.task(shell=True)
    def first():
        return "echo hello {{inputs.name}}"

    @driver.task(py=True, depends=["first"])
    def second():
        return {"answer": 6 * 7}

    print(json.dumps(told(driver.run(timeout=60, inputs={"name": "Ada"}))))


def failed():
    @driver.task(shell=True)
    def broken():
        return "echo oh no >&2; exit 3"

    print(json.dumps(told(driver.run(timeout=60))))


def cancelled():
    @driver.task(shell=True)
    def slow():
        return "sleep 60"

    submitted = driver.run(wait=False)
    running = driver.status(submitted.run_id)
    first = driver.cancel(submitted.run_id)
    second = driver.cancel(submitted.run_id)
    unknown = driver.cancel("11111111-1111-4111-8111-111111111111")
    outcome = told(driver.status(submitted.run_id))
    before = {"submitted": submitted.status, "running": running.status}
    print(json.dumps({**outcome, **before, "cancels": [first, second, unknown]}))


def finished():
    @driver.task(shell=True)
    def quick():
        return "echo quick"

    submitted = driver.run(wait=False)
    for _ in range(100):
        if driver.status(submitted.run_id).is_terminal():
            break
        time.sleep(0.1)
    is_cancelled = driver.cancel(submitted.run_id)
    print(json.dumps({**told(driver.status(submitted.run_id)), "cancels": [is_cancelled]}))


globals()[sys.argv[1]]()
