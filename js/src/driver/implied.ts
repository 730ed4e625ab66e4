/** Dependencies that follow from references to tasks. */

import type { Json } from "../shared/plain.js";

/**
 * The tasks whose results the options of a task use in templates, if `isUsed` says that they were used by reference.
 */
export function usedTasks(text: string, isUsed: (name: string) => boolean): string[] {
  // Most texts have no template of a result, and this check is faster than the search.
  if (!text.includes("_result")) return [];
  const names = Array.from(text.matchAll(/\{\{([^{}[\]."]+)_result[.}[]/g), ([, name = ""]) => name);
  return [...new Set(names)].filter(isUsed);
}

/** A registered task. */
interface Task {
  /** `[method, name, options]` as JSON text. */
  readonly entry: string;
  readonly implied: readonly string[];
  readonly branches: Json | undefined;
}

/** The options of a task that was registered. */
export const optionsOf = (entry: string): { depends?: string | string[]; branches?: Json } =>
  JSON.parse(entry)[2];

/** The dependencies that the caller gave. */
export const dependsOf = (entry: string): string[] => [optionsOf(entry).depends ?? []].flat();

export const without = (names: Iterable<string>, other: readonly string[]): string[] =>
  [...names].filter((name) => !other.includes(name));

/**
 * All dependencies of each task that has implied ones. A task in a branch cannot depend on a task outside the branch;
 * the parallel task then depends on it instead.
 */
export function withImplied(tasks: ReadonlyMap<string, Task>): Map<string, string[]> {
  const homes = new Map<string, { owner: string; branch: string }>();
  for (const [owner, { branches }] of tasks) {
    if (!branches) continue;
    for (const [branch, members] of Object.entries(branches))
      for (const member of [members].flat()) homes.set(member as string, { owner, branch });
  }
  const added = new Map<string, Set<string>>();
  for (const [name, { implied }] of tasks) {
    for (const need of implied) {
      const [own, other] = [homes.get(name), homes.get(need)];
      const isNear = own?.owner === other?.owner && own?.branch === other?.branch;
      const [from, to] = isNear ? [name, need] : [own?.owner ?? name, other?.owner ?? need];
      if (from === to) continue;
      added.set(from, (added.get(from) ?? new Set()).add(to));
    }
  }
  const all = new Map<string, string[]>();
  for (const [name, needs] of added) {
    const known = dependsOf(tasks.get(name)?.entry as string);
    const further = without(needs, known);
    if (further.length > 0) all.set(name, [...known, ...further]);
  }
  return all;
}
