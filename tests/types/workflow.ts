// Types of the builder and of definitions: what compiles, and what must not.
import {
  type Diagnostic,
  type LayoutNode,
  ref,
  Workflow,
  WorkflowBuilder,
  type WorkflowDocument,
  type WorkflowLayout,
} from "highway-wasm";

/** Holds only for equal types. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

const builder = new WorkflowBuilder("w", { version: "1.0.0", deadlineSeconds: 60, deadlineAction: "cancel" });
// @ts-expect-error no such action
new WorkflowBuilder("w", { deadlineAction: "stop" });
// @ts-expect-error a name is needed
new WorkflowBuilder();

builder
  .task("a", "tools.x", {
    args: [1],
    kwargs: { k: 1 },
    dependsOn: [ref("z")],
    retryPolicy: { delay: { minutes: 1 } },
  })
  .activity("b", "tools.x", { dependencies: [], triggerRule: "all_done" })
  .wait("c", new Date())
  .wait("d", { hours: 1 })
  .condition(
    "e",
    "{{a}} == 1",
    (inner) => inner.task("f", "tools.x"),
    (inner) => {
      inner.terminate("g", { status: "failed" });
    },
  )
  .parallel("h", { one: (inner) => inner.task("i", "tools.x") }, { timeout: 5 })
  .multiChoice("j", {
    one: ["{{a}}", (inner) => inner.task("k", "tools.x")],
    two: { condition: "x", part: () => {} },
  })
  .join("l", ["a", "b"], "any_of")
  .retry({ maxRetries: 1 })
  .precondition("x", "in_range", [1, 2]);
// @ts-expect-error a misspelt option
builder.task("m", "tools.x", { dependson: ["a"] });
// @ts-expect-error only tasks, activities and child workflows know this name
builder.wait("n", 1, { dependsOn: ["a"] });
// @ts-expect-error no such mode
builder.join("o", ["a"], "most");
// @ts-expect-error both ways are needed
builder.condition("p", "x", (inner) => inner);
// @ts-expect-error a part is not asynchronous
builder.foreach("q", "{{xs}}", async (inner) => inner);
// @ts-expect-error no such check
builder.precondition("x", "bigger");

const workflow: Workflow = builder.build();
same<ReturnType<typeof workflow.toJSON>, WorkflowDocument>(true);
const findings: Diagnostic[] = workflow.validate();
const read: Workflow = Workflow.fromJSON(workflow.toJSON());
const layout: WorkflowLayout = read.layout({ direction: "right" });
const places: readonly LayoutNode[] = layout.nodes;
const point: number | undefined = layout.edges[0]?.points[0]?.[1];
// @ts-expect-error no such direction
workflow.layout({ direction: "up" });
// @ts-expect-error a definition is not to be changed
workflow.toJSON().name = "other";
const text: string = workflow.toJSONString() + workflow.toYAML() + workflow.toMermaid() + workflow.toDot();

export { findings, places, point, text };
