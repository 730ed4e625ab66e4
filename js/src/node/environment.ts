/** What programs that tasks start see of the environment of this process. */

/** The variables of this process, without those that are meant for Highway alone: keys, secrets, addresses. */
export function guestEnvironment(): NodeJS.ProcessEnv {
  const guests = Object.entries(process.env).filter(([name]) => !/^HIGHWAY_/i.test(name));
  return Object.fromEntries(guests);
}
