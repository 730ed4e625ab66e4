/** Turns a command line into an exit code. */

import "../entries/inline.js";
import { core } from "../wasm/runtime.js";
import { checkArguments, listOf, optionsOf, readArguments } from "./arguments.js";
import { type Command, COMMON, type Given } from "./command.js";
import { COMMANDS } from "./commands/index.js";
import { exitCodeOf, FAILED, FINE, INTERRUPTED, UsageError, WRONG } from "./exit-codes.js";
import { showError } from "./failure.js";
import { programHelp, showHelp } from "./help.js";
import { didYouMean } from "../workflow/runtime.js";
import { Output } from "./output.js";
import { secretsOfEnvironment } from "./secrets.js";

/** Milliseconds that a command gets to end after a signal; `serve` takes up to 7 s. */
const PATIENCE = 10_000;

/** Runs the program. Resolves with its exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const output = new Output(process);
  output.hide(process.env["HIGHWAY_API_KEY"]);
  for (const [name, secret] of Object.entries(secretsOfEnvironment())) output.hide(secret, `secret ${name}`);
  // Read before anything can fail, so that errors have the wanted form.
  const flags = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  output.isJson = flags.includes("--json");
  output.isDebug = flags.includes("--debug");
  if (flags.includes("--no-color")) output.dropColours();
  // A module of the user may throw at any time, in a timer or an unhandled promise.
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (error: unknown) => {
      showError(error, output);
      process.exit(FAILED);
    });
  }
  try {
    return await dispatch(argv, output);
  } catch (error) {
    showError(error, output);
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[], output: Output): Promise<number> {
  const at = argv.findIndex((argument) => !argument.startsWith("-"));
  const [before, name, after] =
    at < 0 ? [argv, undefined, []] : [argv.slice(0, at), argv[at], argv.slice(at + 1)];
  const { given } = readArguments(before, COMMON, "highway-wasm");
  if (given["version"]) return version(output);
  if (name === undefined) return bare(given, output);
  const command = commandOf(name);
  const help = (): number => {
    showHelp(COMMANDS, command, output);
    return FINE;
  };
  if (given["help"]) return help();

  const { args, given: own } = readArguments(after, optionsOf(command), `highway-wasm ${command.name}`);
  if (own["help"]) return help();
  if (own["version"]) return version(output);
  for (const secret of ["api-key", "key"]) output.hide(own[secret] as string | undefined);
  checkArguments(args, command);
  return await untilSignal((signal) => command.run({ args, given: own, output, signal }));
}

/** Without a command, shows the help. */
function bare(given: Given, output: Output): number {
  if (given["help"]) {
    showHelp(COMMANDS, undefined, output);
    return FINE;
  }
  if (output.isJson) throw new UsageError("there is no command", "`highway-wasm --help` lists them");
  output.draw(programHelp(COMMANDS, output.width));
  return WRONG;
}

function version(output: Output): number {
  output.text(
    "version",
    core.call((api) => api.version()),
  );
  return FINE;
}

function commandOf(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = COMMANDS.map((candidate) => candidate.name);
  throw new UsageError(
    `there is no command \`${name}\``,
    didYouMean(name, names) ?? `there are ${listOf(names)}`,
  );
}

/**
 * Does the work with a signal that fires when the user interrupts the program. A second interrupt, or a long wait, ends
 * the program at once.
 */
async function untilSignal(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let endedBy: NodeJS.Signals | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    const leave = (): never => process.exit(INTERRUPTED[name]);
    // A reader that stops early is not the user's wish, so the user may still interrupt in good order.
    if (endedBy !== undefined && endedBy !== "SIGPIPE") leave();
    clearTimeout(timer);
    endedBy = name;
    timer = setTimeout(leave, PATIENCE);
    controller.abort(name);
  };
  const names: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
  for (const name of names) process.on(name, onSignal);
  // The remaining output has no reader.
  const onError = (): void => (endedBy === undefined ? onSignal("SIGPIPE") : undefined);
  process.stdout.on("error", onError);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Errors after an interrupt are not shown.
    if (endedBy === undefined) throw error;
    return INTERRUPTED[endedBy] as number;
  } finally {
    clearTimeout(timer);
    for (const name of names) process.off(name, onSignal);
    process.stdout.off("error", onError);
  }
}
