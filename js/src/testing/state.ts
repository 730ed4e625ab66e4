/** The state of an engine that a test can look at. */

import type { SimulatedRun, SimulatedStep } from "../engine/timeline.js";
import { bigJson } from "../shared/json.js";

/** The state of the engine at a moment of virtual time. */
export interface TestState {
  /** Virtual time. */
  readonly now: Date;
  /** All runs in the order of their start. */
  readonly runs: readonly SimulatedRun[];
  /** The step with this name, of the latest run that has one. */
  step(name: string): SimulatedStep | undefined;
}

/** @internal */
export function stateOf(now: number, runs: readonly SimulatedRun[]): TestState {
  const step = (name: string): SimulatedStep | undefined => {
    const found = runs.filter(({ steps }) => Object.hasOwn(steps, name)).at(-1);
    return found?.steps[name];
  };
  return { now: new Date(now), runs, step };
}

/** @internal A value in the form of error messages. */
export function shown(value: unknown): string {
  const text = bigJson(value) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** @internal Whether a value matches: it is equal, or an object in which all expected fields match. */
export function matches(value: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(value) &&
      value.length === expected.length &&
      expected.every((item, at) => matches(value[at], item))
    );
  }
  if (typeof expected !== "object" || expected === null) return Object.is(value, expected);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const own = (key: string): unknown =>
    Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  return Object.entries(expected).every(([key, item]) => matches(own(key), item));
}

/** @internal Adds the names of all tasks and tools of a definition, at any depth. */
export function namesIn(value: unknown, names: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  const { tasks, task_id: task, function: tool } = value as Readonly<Record<string, unknown>>;
  for (const name of [task, tool]) if (typeof name === "string") names.add(name);
  if (typeof tasks === "object" && !Array.isArray(tasks))
    for (const name of Object.keys(tasks ?? {})) names.add(name);
  for (const item of Object.values(value)) namesIn(item, names);
}
