// What a quota refusal must say, and how: RateLimit fields are structured fields (RFC 9651).
import { expect } from 'vitest';
import type { Answer } from './client.ts';

/** One member of a list: a string with integer parameters. */
const MEMBER = /^"(?<name>[\x20-\x21\x23-\x5b\x5d-\x7e]*)"(?<parameters>(?:; *[a-z*][a-z0-9_.*-]*=-?\d{1,15})*)$/;

export function parseMember(text: string): { name: string; parameters: Record<string, number> } {
  const groups = MEMBER.exec(text)?.groups;
  if (groups === undefined) throw new Error(`no structured field of ours: ${text}`);
  const pairs = groups.parameters!.split(';').slice(1);
  return {
    name: groups.name!,
    parameters: Object.fromEntries(
      pairs.map((pair) => [pair.trim().split('=')[0]!, Number(pair.split('=')[1])] as const),
    ),
  };
}

/** A 429 by `policy`: its fields parse, and Retry-After is no sooner than the quota comes back. */
export function expectFields({ status, headers, body }: Answer, policy: string): void {
  expect([status, body.type]).toEqual([429, 'https://iana.org/assignments/http-problem-types#quota-exceeded']);
  expect(body['violated-policies']).toEqual([policy]);
  const limit = parseMember(headers.get('ratelimit')!);
  expect(limit.name).toBe(policy);
  expect(limit.parameters.r).toBe(0);
  expect(limit.parameters.t).toBeGreaterThanOrEqual(1);
  const stated = parseMember(headers.get('ratelimit-policy')!);
  expect(stated.name).toBe(policy);
  expect(stated.parameters.q).toBeGreaterThanOrEqual(1);
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(limit.parameters.t!);
}
