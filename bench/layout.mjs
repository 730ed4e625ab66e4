// Layouts and drawings of a layered graph, in milliseconds and relative to JSON.stringify of the definition.
import { median, row } from "./lib.mjs";

export async function benchLayout() {
  const { Workflow } = await import("highway-wasm");
  for (const count of [100, 1_000, 10_000]) {
    const tasks = {};
    for (let at = 0; at < count; at++) {
      const before = at < 10 ? [] : [`t${at - 10}`, `t${at - 9 - (at % 10 === 9 ? 1 : 0)}`];
      tasks[`t${at}`] = { task_id: `t${at}`, operator_type: "task", function: "f", dependencies: before };
    }
    const workflow = Workflow.fromJSON({ name: "bench", tasks });
    const document = workflow.toJSON();
    const stringify = await median(() => JSON.stringify(document));
    console.log(
      `\ndrawings, ${count} tasks; 1 = JSON.stringify of the definition (${stringify.toFixed(2)} ms)`,
    );
    const layout = await median(() => workflow.layout());
    row("layout", layout / stringify, "×");
    row("the same", layout, "ms");
    row("toMermaid", (await median(() => workflow.toMermaid())) / stringify, "×");
    row("toDot", (await median(() => workflow.toDot())) / stringify, "×");
  }
}
