/** What to do about an error, in the words of the program: its options in the place of the arguments of functions. */

/** What an error says of itself. */
interface Told {
  readonly code?: string | undefined;
  readonly message: string;
  readonly help?: string | undefined;
}

/** The help of an error, as the user of the program can follow it. */
export function helpOf({ code, message, help }: Told): string | undefined {
  if (code === "TOOL_NOT_REGISTERED" && help?.startsWith("register it")) {
    const [, how] = /^register it with (.*)$/s.exec(help) ?? [];
    return `give a module that exports it${how ? `, made with ${how}` : ""}: \`--tools FILE\``;
  }
  if (code === "LIMIT_EXCEEDED" && !help?.includes("--limit")) {
    return help?.replace(/raise `limits\.(\w+)` of the engine/, "pass a larger `--limit $1=VALUE`");
  }
  const [, secret] = /\{\{\s*secrets\.(\w+)/.exec(code === "TEMPLATE_UNRESOLVED" ? message : "") ?? [];
  return secret ? `set \`HIGHWAY_SECRET_${secret}\` in the environment of the engine` : help;
}
