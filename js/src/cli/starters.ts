/** Workflows to begin with, by the extension of their file. */

const YAML = `# What runs after what, and with which inputs. Try it:
#   npx highway-wasm validate FILE
#   npx highway-wasm run FILE --input name=Ada
name: hello
description: Says hello, and counts the letters of it.

# Inputs with their default values.
variables:
  name: world

tasks:
  greet:
    task_id: greet
    operator_type: task
    function: tools.shell.run
    args: ['echo "hello $NAME"']
    # Text from outside goes through the environment, never into the command.
    kwargs: { env: { NAME: "{{inputs.name}}" } }
    result_key: greeting

  count:
    task_id: count
    operator_type: task
    function: tools.shell.run
    args: ['printf %s "$TEXT" | wc -c']
    kwargs: { env: { TEXT: "{{greeting.stdout}}" } }
    dependencies: [greet]
`;

const JSON_TEXT = `${JSON.stringify(
  {
    name: "hello",
    description: "Says hello, and counts the letters of it.",
    variables: { name: "world" },
    tasks: {
      greet: {
        task_id: "greet",
        operator_type: "task",
        function: "tools.shell.run",
        args: ['echo "hello $NAME"'],
        kwargs: { env: { NAME: "{{inputs.name}}" } },
        result_key: "greeting",
      },
      count: {
        task_id: "count",
        operator_type: "task",
        function: "tools.shell.run",
        args: ['printf %s "$TEXT" | wc -c'],
        kwargs: { env: { TEXT: "{{greeting.stdout}}" } },
        dependencies: ["greet"],
      },
    },
  },
  null,
  2,
)}
`;

const MODULE = `// What runs after what, and with which inputs. It needs the package: npm install highway-wasm
//   npx highway-wasm validate FILE
//   npx highway-wasm run FILE --input name=Ada
import { Driver } from "highway-wasm";

const driver = new Driver({ name: "hello" });

// Text from outside goes through the environment, never into the command.
const greet = driver.tool("greet", "tools.shell.run", {
  command: 'echo "hello $NAME"',
  env: { NAME: "{{inputs.name}}" },
});

driver.tool(
  "count",
  "tools.shell.run",
  { command: 'printf %s "$TEXT" | wc -c', env: { TEXT: greet.result.stdout } },
  { depends: [greet] },
);

// The definition, with the default values of its inputs.
export default driver.build({ inputs: { name: "world" } });
`;

/** The same for CommonJS. */
const COMMONJS = MODULE.replace(
  'import { Driver } from "highway-wasm";',
  'const { Driver } = require("highway-wasm");',
).replace("export default", "module.exports =");

/** The texts by extension. `.js` and `.ts` are what their package says: one of these two. */
export const STARTERS: Readonly<Record<string, string>> = {
  ".yaml": YAML,
  ".yml": YAML,
  ".json": JSON_TEXT,
  ".mjs": MODULE,
  ".cjs": COMMONJS,
  ".js": MODULE,
  ".mts": MODULE,
  ".cts": COMMONJS,
  ".ts": MODULE,
};
