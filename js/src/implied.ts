/** Dependencies that follow from the use of references to tasks. */

import type { Json } from "./plain.js";

/** Names of the tasks that are used by reference, and whose results the text of a task's options names. */
export function named(text: string, isUsed: (name: string) => boolean): string[] {
  const names = Array.from(text.matchAll(/\{\{([^{}[\]."]+)_result[.}[]/g), ([, name = ""]) => name);
  return [...new Set(names)].filter(isUsed);
}

/** What is known of a task. */
interface Task {
  readonly implied: readonly string[];
  readonly depends: readonly string[];
  readonly branches: Json | undefined;
}

/**
 * The dependencies to add to each task. What runs in a branch cannot depend on what is outside of it: the task whose branch it is
 * does.
 */
export function placed(tasks: ReadonlyMap<string, Task>): Map<string, Set<string>> {
  const homes = new Map<string, { owner: string; branch: string }>();
  for (const [owner, { branches }] of tasks) {
    for (const [branch, members] of Object.entries(branches ?? {}))
      for (const member of [members].flat()) homes.set(member as string, { owner, branch });
  }
  const added = new Map<string, Set<string>>();
  for (const [name, { implied }] of tasks) {
    for (const need of implied) {
      const [own, other] = [homes.get(name), homes.get(need)];
      const isNear = own?.owner === other?.owner && own?.branch === other?.branch;
      const [from, to] = isNear ? [name, need] : [own?.owner ?? name, other?.owner ?? need];
      if (from === to || tasks.get(from)?.depends.includes(to)) continue;
      added.set(from, (added.get(from) ?? new Set()).add(to));
    }
  }
  return added;
}
