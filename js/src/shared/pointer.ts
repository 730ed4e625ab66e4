/** JSON pointers. */

/** @internal The pointer to a member of what `path` points to. */
export const childPath = (path: string, key: string | number): string =>
  `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
