/** The environment of programs that tasks start. */

/** The environment variables of this process, except those for Highway itself: keys, secrets, addresses. */
export function guestEnvironment(): NodeJS.ProcessEnv {
  const guests = Object.entries(process.env).filter(([name]) => !/^HIGHWAY_/i.test(name));
  return Object.fromEntries(guests);
}
