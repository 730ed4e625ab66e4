"""Milliseconds of stabilize for the graph of lib.mjs, from storing it to its end: count, database, default or bare."""

import logging
import sys
import time

from stabilize import (
    Orchestrator,
    QueueProcessor,
    SqliteQueue,
    SqliteWorkflowStore,
    StageExecution,
    Task,
    TaskExecution,
    TaskRegistry,
    TaskResult,
    Workflow,
    WorkflowStatus,
)
from stabilize.queue.processor.config import QueueProcessorConfig

logging.disable(logging.CRITICAL)


class Noop(Task):
    def execute(self, stage):
        return TaskResult.success(outputs={stage.ref_id: stage.context["at"]})


def dependencies(at):
    return set() if at < 10 else {f"t{at - 10}", f"t{at - 9 - (1 if at % 10 == 9 else 0)}"}


def stage(at):
    return StageExecution(
        ref_id=f"t{at}",
        type="noop",
        name=f"t{at}",
        context={"at": at},
        requisite_stage_ref_ids=dependencies(at),
        tasks=[TaskExecution.create(name="noop", implementing_class="noop", stage_start=True, stage_end=True)],
    )


count, database, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
store = SqliteWorkflowStore(database, create_tables=True)
queue = SqliteQueue(database)
queue._create_table()
registry = TaskRegistry()
registry.register("noop", Noop)
config = QueueProcessorConfig(enable_deduplication=mode == "default")
processor = QueueProcessor(queue, config=config, store=store, task_registry=registry)
workflow = Workflow.create(application="bench", name="bench", stages=[stage(at) for at in range(count)])

start = time.perf_counter()
store.store(workflow)
Orchestrator(queue).start(workflow)
# Not processor.start(): a database in memory belongs to one thread, and threads do not speed up tasks that never wait.
processor.process_all(timeout=110)
taken = (time.perf_counter() - start) * 1000
status = store.retrieve(workflow.id).status
if status != WorkflowStatus.SUCCEEDED:
    sys.exit(f"the workflow is {status.name}")
print(taken)
