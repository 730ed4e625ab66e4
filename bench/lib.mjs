// Functions of all benchmarks.

/** Median milliseconds of one round. */
export async function median(work, rounds = 7) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[rounds >> 1];
}

export function row(what, value, per) {
  console.log(`${what.padEnd(58)}${value.toFixed(2).padStart(10)}  ${per}`);
}

/** The dependencies of a task in the layered graph: layers of ten tasks, each task after two of the layer before. */
export const dependenciesOf = (at) =>
  at < 10 ? [] : [`t${at - 10}`, `t${at - 9 - (at % 10 === 9 ? 1 : 0)}`];

/** The layered graph as a workflow of `count` tasks that do nothing. */
export function layered(count) {
  const tasks = {};
  for (let at = 0; at < count; at++) {
    tasks[`t${at}`] = {
      task_id: `t${at}`,
      operator_type: "task",
      function: "bench.noop",
      args: [],
      kwargs: { at },
      dependencies: dependenciesOf(at),
      trigger_rule: "all_success",
    };
  }
  return { name: `layered-${count}`, version: "1.0.0", tasks };
}
