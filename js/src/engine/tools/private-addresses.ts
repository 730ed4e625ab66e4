/** Recognizes the addresses of private machines and networks, in every spelling. */

import { builtinModule } from "../../shared/environment.js";

type Dns = {
  lookup(host: string, options: { all: true }): Promise<readonly { readonly address: string }[]>;
};

/** Names that are never public: RFC 6761, 6762 and 8375, and names inside clouds. */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa)\.?$/i;

/**
 * IPv4 networks that are not public, as first address and prefix length: IANA's special-purpose registry, and
 * multicast.
 */
const PRIVATE_NETWORKS: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/**
 * The private address that a URL leads to: its host, or an address of its name; undefined if it is public. Names are
 * looked up in Node, Deno and Bun. A name that cannot be looked up is left to `fetch`, which refuses it.
 */
export async function privateAddressOf(url: URL): Promise<string | undefined> {
  // `URL` has normalized the host: `0x7f.1` is `127.0.0.1`.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isAddress(host)) return isPrivate(host) ? host : undefined;
  if (PRIVATE_NAME.test(host)) return host;
  const dns = builtinModule<Dns>("dns/promises");
  if (dns === undefined) return undefined;
  let found: readonly { readonly address: string }[];
  try {
    found = await dns.lookup(host, { all: true });
  } catch {
    return undefined;
  }
  return found.find(({ address }) => isPrivate(address))?.address;
}

const isAddress = (host: string): boolean => host.includes(":") || /^\d+(\.\d+){3}$/.test(host);

/** Whether an IP address is not public. */
export function isPrivate(address: string): boolean {
  if (!address.includes(":")) return isPrivateV4(v4Of(address));
  const groups = v6Of(address);
  // An address that cannot be parsed may be private.
  if (groups === undefined) return true;
  const [first = 0, second = 0, third = 0] = groups;
  const embedded = (at: number): number => (groups[at] ?? 0) * 0x1_0000 + (groups[at + 1] ?? 0);
  const isZero = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0);
  // IPv4 inside IPv6: mapped, NAT64, 6to4.
  if (isZero(0, 5) && groups[5] === 0xff_ff) return isPrivateV4(embedded(6));
  if (first === 0x64 && second === 0xff_9b && isZero(2, 6)) return isPrivateV4(embedded(6));
  if (first === 0x20_02) return isPrivateV4(second * 0x1_0000 + third);
  // Only 2000::/3 is global, except Teredo and other protocols (2001::/23) and documentation (2001:db8::/32,
  // 3fff::/20).
  const isGlobal = first >= 0x20_00 && first < 0x40_00;
  const isProtocol = first === 0x20_01 && (second < 0x02_00 || second === 0x0d_b8);
  return !isGlobal || isProtocol || (first === 0x3f_ff && second < 0x10_00);
}

function isPrivateV4(address: number | undefined): boolean {
  if (address === undefined) return true;
  return PRIVATE_NETWORKS.some(([first, length]) => {
    const size = 2 ** (32 - length);
    return Math.floor(address / size) === Math.floor((v4Of(first) ?? 0) / size);
  });
}

function v4Of(text: string): number | undefined {
  const parts = text.split(".").map(Number);
  const isOne =
    parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256);
  return isOne ? parts.reduce((address, part) => address * 256 + part, 0) : undefined;
}

/** The eight groups of an IPv6 address. A zone, and IPv4 at the end, are allowed. */
function v6Of(text: string): number[] | undefined {
  let [plain = ""] = text.split("%");
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  if (dotted) {
    const last = v4Of(dotted[2] ?? "");
    if (last === undefined) return undefined;
    plain = `${dotted[1]}${Math.floor(last / 0x1_0000).toString(16)}:${(last % 0x1_0000).toString(16)}`;
  }
  const [head = "", tail, more] = plain.split("::");
  const groupsOf = (part: string): number[] =>
    part === ""
      ? []
      : part.split(":").map((group) => (/^[\da-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : -1));
  const [front, back] = [groupsOf(head), groupsOf(tail ?? "")];
  const missing = 8 - front.length - back.length;
  if (more !== undefined || (tail === undefined ? missing !== 0 : missing < 1)) return undefined;
  const groups = [...front, ...Array<number>(missing).fill(0), ...back];
  return groups.includes(-1) ? undefined : groups;
}
