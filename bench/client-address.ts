// An address of the internet for a client on this machine: a front counts and bounds nobody by an address of the loopback
// or of a private network, which a crowd may share.
import { spawnSync } from 'node:child_process';
import { Missing } from './processes.ts';

/** Of TEST-NET-3 (RFC 5737), which no network uses. */
export const CLIENT_ADDRESS = '203.0.113.7';

/** The loopback has the address until it is disposed of. Needs Linux, `ip` and root; throws Missing without. */
export function openClientAddress(): Disposable {
  const change = (verb: 'replace' | 'del') =>
    spawnSync('ip', ['addr', verb, `${CLIENT_ADDRESS}/32`, 'dev', 'lo'], { encoding: 'utf8' });
  const { status, stderr, error } = change('replace');
  if (status !== 0) throw new Missing(`no address for an attacker: ${error?.message ?? stderr.trim()}`);
  return { [Symbol.dispose]: () => void change('del') };
}
