// Addresses that a process listens on, as settings name them and as a URL holds them.

const WILDCARDS: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Whether a listener there answers on every address of the machine. */
export const isWildcard = (host: string): boolean => Object.hasOwn(WILDCARDS, host);

/** Where a client on the same machine finds a listener: `http://[::1]:8080` for `::`. `host` has no brackets. */
export function urlOf(host: string, port: number): string {
  const reached = WILDCARDS[host] ?? host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
