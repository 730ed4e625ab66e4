// Chromium and its driver for the browser tests: CHROME and CHROMEDRIVER if set, otherwise those on PATH, otherwise
// Debian's packages.
import { aptInstall, hasApt } from "./apt.mjs";
import { ask, which } from "./run.mjs";
import { Failure } from "./step.mjs";

const firstOf = (names) => names.map((name) => which(name)).find(Boolean);

function find() {
  const given = (name) => {
    const value = process.env[name];
    if (value && !which(value))
      throw new Failure(`${name} is set to ${value}, which is not an executable file.`);
    return value || undefined;
  };
  return {
    chrome:
      given("CHROME") ?? firstOf(["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
    chromedriver: given("CHROMEDRIVER") ?? firstOf(["chromedriver"]),
  };
}

/** Resolves with `{ chrome, chromedriver }`: paths of a browser and a driver of the same major version. */
export async function ensureBrowser() {
  let found = find();
  if (!(found.chrome && found.chromedriver)) {
    if (!hasApt()) {
      throw new Failure(
        "The browser tests need Chromium and chromedriver: put both on PATH or set CHROME and CHROMEDRIVER.",
      );
    }
    await aptInstall(["chromium", "chromium-driver"], "the browser tests");
    found = find();
  }
  return { chrome: which(found.chrome), chromedriver: which(found.chromedriver) };
}

/** Refuses a browser and a driver of different versions, before a test fails for that reason without saying so. */
export function checkBrowserVersions({ chrome, chromedriver }) {
  const major = (program) => ask(program, ["--version"])?.match(/(\d+)\.\d+\.\d+/)?.[1];
  const [browser, driver] = [major(chrome), major(chromedriver)];
  if (browser === undefined || browser !== driver) {
    throw new Failure(
      `${chrome} is version ${browser ?? "unknown"} and ${chromedriver} is version ${driver ?? "unknown"}; they must be equal.`,
    );
  }
}
