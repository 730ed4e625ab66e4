/** References to tasks and to their results. */

import { errorOf } from "./errors.js";

const TEMPLATE = Symbol.for("highway-wasm.template");

/**
 * A place in the result of a task. Any property leads one level further down. As text, it is the template of the value:
 * `${backup.result.stdout}` gives `{{backup_result.stdout}}`.
 */
export type ResultRef = { readonly [field in KnownField]: ResultRef } & {
  readonly [field: string]: ResultRef;
} & {
  /** The template, such as `{{backup_result.stdout}}`. */
  toString(): string;
};

/** Fields in the results of Highway's own tools. Strict compilers allow these names without brackets. */
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

/** While data is read, collects the names of tasks whose results are used. */
let listener: Set<string> | undefined;

/** @internal Calls `use`, and adds to `names` each task whose result is turned into a template meanwhile. */
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

  /** `used` is the driver's set. It gets the name when the result becomes template text. */
  constructor(name: string, used?: Set<string>) {
    this.name = name;
    this.#used = used;
  }

  /**
   * The result of the task, for templates. A task that uses it depends on this task automatically, if the reference
   * came from the driver or is passed as an object rather than as text.
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
    // Without these, a misspelt field would silently put `undefined` into a command.
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

  /** The task's name. */
  toString(): string {
    return this.name;
  }

  /** The task's name. */
  toJSON(): string {
    return this.name;
  }
}

/**
 * A reference to a task by name. The task may be defined later.
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
 * A template tag for Python source. Values are inserted as text. When the task is built, the indentation that all lines
 * share is removed.
 */
export function py(strings: TemplateStringsArray, ...values: unknown[]): string {
  return String.raw({ raw: strings.raw }, ...values);
}

/** @internal The template text of a reference to a result; `undefined` for any other value. */
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
      // `await` on a reference by mistake must not hang.
      if (key === "then") return undefined;
      if (/^\d+$/.test(key)) return resultRef(`${path}[${key}]`, onUse);
      return resultRef(/^[\p{L}\p{N}_-]+$/u.test(key) ? `${path}.${key}` : `${path}["${key}"]`, onUse);
    },
  }) as ResultRef;
}
