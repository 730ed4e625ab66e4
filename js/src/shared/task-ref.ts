/** References to tasks and to their results. */

import { errorOf } from "./errors.js";

const TEMPLATE = Symbol.for("highway-wasm.template");

/**
 * A place in the result of a task. Any property leads further down; used as text it is the template that stands for the
 * value: `${backup.result.stdout}` is `{{backup_result.stdout}}`.
 */
export type ResultRef = { readonly [field in KnownField]: ResultRef } & {
  readonly [field: string]: ResultRef;
} & {
  /** The template text. */
  toString(): string;
};

/** Fields that the results of Highway's own tools have; named, so that strict compilers allow them without brackets. */
type KnownField =
  | "stdout"
  | "stderr"
  | "returncode"
  | "exit_code"
  | "response"
  | "status_code"
  | "headers"
  | "body"
  | "result"
  | "output";

/** Gets the names of tasks whose results are used while data is read. */
let listener: Set<string> | undefined;

/** @internal Does something, and notes the tasks of whose results it makes template text. */
export function noting<T>(names: Set<string>, use: () => T): T {
  listener = names;
  try {
    return use();
  } finally {
    listener = undefined;
  }
}

/** A task by name, for `depends` and for templates. */
export class TaskRef {
  /** Name of the task. */
  readonly name: string;
  readonly #used: Set<string> | undefined;

  /** `used` is the driver's own: it gets the name when template text is made of the result. */
  constructor(name: string, used?: Set<string>) {
    this.name = name;
    this.#used = used;
  }

  /**
   * The result of the task, for templates. A task that uses it depends on this one by itself, when the reference came from
   * the driver, or is passed as it is rather than as text.
   *
   * @example
   * ```js
   * import { Driver } from "highway-wasm";
   *
   * const driver = new Driver();
   * const count = driver.shell("count", "wc -l < users.csv");
   * driver.shell("report", `echo "users: ${count.result.stdout}"`);
   * const { args, dependencies } = driver.build().tasks.report;
   * console.log(args[0], dependencies); // echo "users: {{count_result.stdout}}" [ 'count' ]
   * ```
   */
  get result(): ResultRef {
    return resultRef(`${this.name}_result`, () => {
      this.#used?.add(this.name);
      listener?.add(this.name);
    });
  }

  static {
    // `undefined` would stand in the text of a command without a word.
    for (const field of ["stdout", "stderr", "returncode", "response", "body"]) {
      Object.defineProperty(TaskRef.prototype, field, {
        get(this: TaskRef) {
          throw errorOf("TASK_OPTION_TYPE", `a task has no \`${field}\``, {
            help: `write \`.result.${field}\``,
          });
        },
      });
    }
  }

  /** The name. */
  toString(): string {
    return this.name;
  }

  /** The name. */
  toJSON(): string {
    return this.name;
  }
}

/**
 * Refers to a task by name, before or after it is defined.
 *
 * @example
 * ```js
 * import { ref } from "highway-wasm";
 *
 * console.log(`${ref("fetch").result.response.items[0].id}`); // {{fetch_result.response.items[0].id}}
 * ```
 */
export function ref(name: string): TaskRef {
  return new TaskRef(name);
}

/**
 * Python source as a tagged template. Values are inserted as they are; indentation shared by all lines is removed when
 * the task is built.
 */
export function py(strings: TemplateStringsArray, ...values: unknown[]): string {
  return String.raw({ raw: strings.raw }, ...values);
}

/** @internal The template text a value stands for, if it does. */
export function templateOf(value: unknown): string | undefined {
  return (value as { [TEMPLATE]?: string })[TEMPLATE];
}

function resultRef(path: string, onUse: () => void): ResultRef {
  const template = `{{${path}}}`;
  const text = (): string => {
    onUse();
    return template;
  };
  return new Proxy(Object.freeze({}), {
    get: (_, key) => {
      if (key === TEMPLATE) return template;
      if (typeof key === "symbol") return key === Symbol.toPrimitive ? text : undefined;
      if (key === "toString" || key === "toJSON" || key === "valueOf") return text;
      // Awaiting a reference by mistake must not hang.
      if (key === "then") return undefined;
      if (/^\d+$/.test(key)) return resultRef(`${path}[${key}]`, onUse);
      return resultRef(/^[\p{L}\p{N}_-]+$/u.test(key) ? `${path}.${key}` : `${path}["${key}"]`, onUse);
    },
  }) as ResultRef;
}
