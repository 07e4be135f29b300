// Loads `lua/*.lua`. The header of a script is its contract and is parsed: it names the parameters and the fragments it
// uses, and a script whose first lines bind other names than its header promises is refused at load.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './client.ts';
import { loadPreludes, prepend } from './preludes.ts';

export interface Script {
  name: string;
  /** The file as it was written. */
  text: string;
  /** What Redis runs: the file with the fragments that it uses. */
  source: string;
  sha: string;
  /** Names of the fixed leading keys; groups in brackets follow them. */
  keyNames: string[];
  argumentNames: string[];
}

const FOLDER = new URL('../../lua/', import.meta.url);

/** Reads `lua/<name>.lua`; throws when the header is incomplete or untrue. */
export function loadScript(name: string): Script {
  return parseScript(name, readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8'));
}

/** The same for a text already in memory. */
export function parseScript(name: string, text: string): Script {
  if (!text.startsWith('#!lua')) throw new Error(`lua/${name}.lua: the first line must start with #!lua`);
  const keyNames = headerNames(name, text, 'KEYS');
  const argumentNames = headerNames(name, text, 'ARGV');
  if (!/^-- RETURNS: \S/m.test(text)) throw new Error(`lua/${name}.lua: the header has no "-- RETURNS:" line`);
  requireBindings(name, text, 'KEYS', keyNames);
  requireBindings(name, text, 'ARGV', argumentNames);
  const source = prepend(`lua/${name}.lua`, text, loadPreludes());
  return { name, text, source, sha: createHash('sha1').update(source).digest('hex'), keyNames, argumentNames };
}

function headerNames(name: string, text: string, kind: 'KEYS' | 'ARGV'): string[] {
  const line = text.match(new RegExp(`^-- ${kind}: (.+)$`, 'm'));
  if (!line) throw new Error(`lua/${name}.lua: the header has no "-- ${kind}:" line`);
  const withoutGroups = line[1]!.replaceAll(/\([^)]*\)\[\w+\]|\w+\[\w+\]/g, '');
  return withoutGroups.split(/\s+/).filter((word) => word !== '' && word !== 'none');
}

function requireBindings(name: string, text: string, kind: 'KEYS' | 'ARGV', names: readonly string[]): void {
  const bound = [...text.matchAll(new RegExp(`^local (\\w+) = (?:tonumber\\()?${kind}\\[(\\d+)\\]`, 'gm'))];
  const found = bound.map((match) => match[1]);
  const inOrder = bound.every((match, index) => Number(match[2]) === index + 1);
  if (!inOrder || found.join(' ') !== names.join(' ')) {
    throw new Error(`lua/${name}.lua: header says ${kind} ${names.join(' ')}, the script binds ${found.join(' ')}`);
  }
}

/** EVALSHA, then EVAL where the server has forgotten the script (restart, failover, SCRIPT FLUSH). */
export async function runScript(
  redis: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return redis.eval(script.source, keys.length, ...keys, ...args);
  }
}
