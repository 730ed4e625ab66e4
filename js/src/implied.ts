/** Dependencies that follow from the use of references to tasks. */

import type { Json } from "./plain.js";

/** Names of the tasks that are used by reference, and whose results the text of a task's options names. */
export function named(text: string, isUsed: (name: string) => boolean): string[] {
  // Most texts have none, which takes less time to see than to search.
  if (!text.includes("_result")) return [];
  const names = Array.from(text.matchAll(/\{\{([^{}[\]."]+)_result[.}[]/g), ([, name = ""]) => name);
  return [...new Set(names)].filter(isUsed);
}

/** What is known of a task. */
interface Task {
  readonly entry: string;
  readonly implied: readonly string[];
  readonly branches: Json | undefined;
}

/**
 * The dependencies to add to each task. What runs in a branch cannot depend on what is outside of it: the task whose branch it is
 * does.
 */
export function placed(
  tasks: ReadonlyMap<string, Task>,
  dependsOf: (entry: string) => readonly string[],
): Map<string, Set<string>> {
  const homes = new Map<string, { owner: string; branch: string }>();
  for (const [owner, { branches }] of tasks) {
    if (branches === undefined) continue;
    for (const [branch, members] of Object.entries(branches ?? []))
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
  for (const [name, needs] of added) {
    for (const known of dependsOf(tasks.get(name)?.entry as string)) needs.delete(known);
    if (needs.size === 0) added.delete(name);
  }
  return added;
}
