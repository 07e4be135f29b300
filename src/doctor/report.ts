// Findings as lines for a person, as JSON for a program, and as an exit code. Pure.
import { visible, visibleJson } from '../domain/text.ts';
import type { Finding, Status } from './finding.ts';

/** 78 is EX_CONFIG of sysexits.h, as for a wrong configuration. */
export const DOCTOR_EXIT = { ok: 0, broken: 1, unreachable: 2, configuration: 78 } as const;

/** Checks that stand for a server as a whole. */
const SERVERS = new Set(['redis', 'ledger', 'kafka']);

/** What was found, what it means, what to do, in one line; nothing in it can move a terminal's cursor. */
export function lineOf({ check, status, found, means, remedy }: Finding): string {
  const text = `${found}${means && `; ${means}`}${remedy && `. Do: ${remedy}`}`;
  return `${status.padEnd(7)}  ${check.padEnd(18)}  ${visible(text)}`;
}

export function exitCodeOf(findings: readonly Finding[]): number {
  if (findings.some(({ status }) => status === 'broken')) return DOCTOR_EXIT.broken;
  const unseen = findings.some(({ check, status }) => SERVERS.has(check) && status === 'unknown');
  return unseen ? DOCTOR_EXIT.unreachable : DOCTOR_EXIT.ok;
}

function countsOf(findings: readonly Finding[]): Record<Status, number> {
  const counts = { ok: 0, warning: 0, broken: 0, unknown: 0 };
  for (const { status } of findings) counts[status] += 1;
  return counts;
}

/** A line for each finding, and one that counts them. */
export function textOf(findings: readonly Finding[]): string {
  const { ok, warning, broken, unknown } = countsOf(findings);
  const sum = `${ok} ok, ${warning} warning(s), ${broken} broken, ${unknown} unknown`;
  return `${findings.map(lineOf).join('\n')}\n\n${sum}\n`;
}

/** One line: `{exitCode, counts, findings}`. */
export function jsonOf(findings: readonly Finding[]): string {
  return `${visibleJson({ exitCode: exitCodeOf(findings), counts: countsOf(findings), findings })}\n`;
}
