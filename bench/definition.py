"""Milliseconds of Python's builder and to_json for the graph of definition.mjs: count, rounds."""

import sys
import time

from highway_dsl import WorkflowBuilder


def dependencies(at):
    return [] if at < 10 else [f"t{at - 10}", f"t{at - 9 - (1 if at % 10 == 9 else 0)}"]


def build(count):
    builder = WorkflowBuilder("bench")
    for at in range(count):
        builder.task(f"t{at}", "bench.noop", kwargs={"at": at}, dependencies=dependencies(at))
    return builder.build().to_json()


count, rounds = int(sys.argv[1]), int(sys.argv[2])
times = []
for _ in range(rounds):
    start = time.perf_counter()
    build(count)
    times.append((time.perf_counter() - start) * 1000)
print(sorted(times)[rounds // 2])
