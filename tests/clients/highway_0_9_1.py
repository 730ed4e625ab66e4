"""highway 0.9.1 as its users write it; the scenario is the first argument, the outcome the last line of output."""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from highway import Driver

driver = Driver()


def tell(result, **more):
    tasks = {name: task.result for name, task in result.tasks.items()}
    print(
        json.dumps(
            {
                "run_id": result.run_id,
                "status": result.status,
                "state": result.state.value,
                "error": result.error,
                "tasks": tasks,
                **more,
            }
        )
    )


def happy():
    @driver.task(shell=True)
    def first():
        return "echo hello {{inputs.name}}"

    @driver.task(py=True, depends=["first"])
    def second():
        return {"answer": 6 * 7}

    tell(driver.run(timeout=60, inputs={"name": "Ada"}))


def failed():
    @driver.task(shell=True, retries=1, retry_delay=0.1)
    def broken():
        return "echo oh no >&2; exit 3"

    tell(driver.run(timeout=60))


def asleep():
    @driver.task(shell=True)
    def first():
        return "echo one"

    @driver.task(shell=True, depends=["first"], delay=timedelta(seconds=7))
    def second():
        return "echo two"

    tell(driver.run(timeout=60))


def one_task():
    @driver.task(shell=True)
    def hello():
        return "echo hello"

    tell(driver.run(timeout=int(os.environ.get("LIMIT", "60"))))


def long():
    @driver.task(shell=True)
    def slow():
        return "sleep 60"

    tell(driver.run(timeout=60))


def scheduled():
    @driver.task(shell=True, schedule="*/5 * * * *")
    def hello():
        return "echo on time"

    tell(driver.run(timeout=60))


def interval():
    @driver.task(shell=True, schedule=timedelta(minutes=5))
    def hello():
        return "echo now and then"

    tell(driver.run(timeout=60))


def operators():
    @driver.task(py=True)
    def numbers():
        return {"items": [1, 2, 3]}

    @driver.foreach(items="{{numbers_result.items}}", depends=["numbers"])
    def double():
        return {"double": 2}

    @driver.task(tool="tools.simple_counter.init_counter", depends=["double"])
    def counter():
        return {"start": 4, "max_value": 9}

    @driver.emit(event="counted", payload={"count": "{{counter_result.counter}}"}, depends=["counter"])
    def told():
        pass

    @driver.wait_for(event="counted", depends=["told"], timeout=20)
    def heard():
        pass

    @driver.task(shell=True, depends=["heard"])
    def last():
        return "echo counted {{heard_result.count}}"

    tell(driver.run(timeout=60))


def background():
    @driver.task(shell=True)
    def hello():
        return "echo hello"

    tell(driver.run(wait=False))


def durable():
    @driver.task(durable=True, func_args=[20], func_kwargs={"plus": 1})
    def double(ctx, number, plus=0):
        ctx.set_variable("doubled", number * 2)
        return {"value": ctx.step("sum", lambda: number * 2 + plus), "run": ctx.workflow_run_id}

    @driver.task(durable=True, depends=["double"])
    def without_context():
        print("seen in stdout")
        return [1, {"two": None}]

    @driver.task(shell=True, depends=["without_context"])
    def last():
        return "echo {{doubled}} {{double_result.value}}"

    tell(driver.run(timeout=60))


def loop():
    @driver.task(durable=True)
    def init(ctx):
        ctx.set_variable("counter", 0)
        ctx.set_variable("limit", 3)
        return {"initialized": True}

    @driver.while_loop(condition="{{counter}} < {{limit}}", depends=["init"])
    def increment(ctx):
        counter = ctx.get_variable("counter", 0)
        ctx.set_variable("counter", counter + 1)
        return {"iteration": counter + 1}

    @driver.task(shell=True, depends=["increment"])
    def last():
        return "echo counted to {{counter}}"

    tell(driver.run(timeout=60))


def durable_failure():
    @driver.task(durable=True)
    def broken(ctx):
        raise ValueError("no such order")

    tell(driver.run(timeout=60))


def package():
    folder = Path("my-orders")
    folder.mkdir()
    (folder / "helper.py").write_text("def total(order):\n    return sum(order)\n")
    (folder / "main.py").write_text(
        "from .helper import total\nfrom . import highway_context\n\n"
        "def pay(ctx, order):\n    return {'total': total(order), 'task': ctx.task}\n"
    )

    @driver.task(durable=True, package=str(folder), entrypoint="main:pay", func_args=[[1, 2, 3]])
    def pay():
        pass

    tell(driver.run(timeout=60))


globals()[sys.argv[1]]()
