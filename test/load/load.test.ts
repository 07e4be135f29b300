// Shapes run as the command runs them, small and short, against the real service.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import type { ShapeReport } from '../../src/load/report.ts';
import { runningFront } from '../cli/running-front.ts';
import { ran } from '../cli/sluice.ts';
import { ownEnvironment } from '../helpers/own-environment.ts';
import { temporaryFolder } from '../helpers/services.ts';

const front = runningFront({ workers: 1, isAlone: true });
const gateway = runningFront({ workers: 0, environment: { GATEWAY_SECRET: 'a-gateway-secret-of-tests' } });
const PATIENT = { timeout: 240_000 };

async function load(t: TestContext, args: string[], where = front) {
  const folder = await temporaryFolder(t);
  const target = ['--target', where.url, '--admin-url', where.adminUrl, '--out', folder];
  const program = ['src/load/main.ts', ...args, '--counts-only', '--json', ...target];
  const ended = await ran(process.execPath, program, { ...ownEnvironment(), ADMIN_TOKEN: where.adminToken });
  return { ...ended, files: readdirSync(folder).toSorted(), folder };
}

async function report(t: TestContext, args: string[]): Promise<ShapeReport> {
  const { code, out, err } = await load(t, args);
  expect([code, err], err).toEqual([0, expect.stringContaining('every bar was held')]);
  return JSON.parse(out) as ShapeReport;
}

const statusesOf = ({ calls }: ShapeReport, call: string) =>
  Object.keys(calls.find((row) => row.call === call)?.statuses ?? {});

test('all-apis goes through every call, and half of the tickets are given back', PATIENT, async (t) => {
  const { calls, tickets, wrong } = await report(t, ['all-apis', '--length', '0.05', '--scale', '2']);
  expect(calls.map(({ call }) => call).toSorted()).toEqual(['campaign', 'give-back', 'join', 'poll']);
  expect(tickets).toMatchObject({ accepted: 18, issued: 9, givenBack: 9 });
  expect(wrong).toEqual({});
});

test('reopen sells its three tranches to the last unit, and refuses while paused', PATIENT, async (t) => {
  const told = await report(t, ['reopen', '--length', '0.2', '--scale', '0.2', '--processes', '2']);
  // 100, 200 and 200 units at a twenty-fifth.
  expect(told.tickets).toMatchObject({ accepted: 20, issued: 20 });
  expect(statusesOf(told, 'join')).toEqual(expect.arrayContaining(['202', '409', '503']));
  expect(told.generator.arrivals).toBe(80);
});

test('browser-crowd hears of every ticket in a long-poll or a stream', PATIENT, async (t) => {
  const told = await report(t, ['browser-crowd', '--length', '0.1', '--scale', '0.05']);
  expect(told.heard.count).toBe(told.tickets.issued);
  expect(statusesOf(told, 'wait')).toContain('200');
  expect(told.tickets.issued).toBeGreaterThan(20);
});

test('poll-storm polls tickets that were there before', PATIENT, async (t) => {
  const told = await report(t, ['poll-storm', '--length', '0.05', '--scale', '0.01']);
  expect(told.calls.find(({ call }) => call === 'poll')!.count).toBeGreaterThanOrEqual(30);
  expect(told.tickets.issued).toBe(told.tickets.accepted);
});

test('a weekly run writes its three reports as data, text and page, and tells a webhook', PATIENT, async (t) => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (chunk: string) => heard.push(chunk));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => void server.close());
  const hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const { code, out, err, files, folder } = await load(t, [
    ...['weekly', '--length', '0.02', '--scale', '0.05', '--webhook', hook],
  ]);
  expect(code, err).toBe(0);
  expect((JSON.parse(out) as ShapeReport[]).map(({ shape, passed }) => [shape, passed])).toEqual([
    ['smoke', true],
    ['steps', true],
    ['spike', true],
  ]);
  expect(files).toEqual(
    ['html', 'json', 'md'].map((end) => expect.stringMatching(new RegExp(`^weekly-[\\d-]+\\.${end}$`))),
  );
  expect(readFileSync(join(folder, files[0]!), 'utf8').match(/<svg /g)).toHaveLength(6);
  expect(JSON.parse(heard.join(''))).toEqual({
    text: expect.stringContaining('Sluice load weekly: every bar was held\n- smoke'),
  });
});

test('a front that does not know the buyers is told apart from a failed load', PATIENT, async (t) => {
  const { code, err } = await load(t, ['smoke', '--length', '0.2'], gateway);
  expect([code, err]).toEqual([77, expect.stringContaining('the service refused a buyer (401')]);
});
