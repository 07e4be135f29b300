// Commands for many campaigns at once.
import { expect, test } from 'vitest';
import { uniqueName } from '../helpers/own-names.ts';
import { runningFront } from './running-front.ts';
import { sluice } from './sluice.ts';

const front = runningFront({ isAlone: true });

const campaign = (...args: string[]) =>
  sluice(['campaign', ...args], { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken });
const idsOf = async (...filters: string[]): Promise<string[]> => {
  const { code, out, err } = await campaign('list', ...filters, '--json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out).campaigns.map(({ id }: { id: string }) => id);
};

test('a list is filtered by state, phase and text, and says when no campaign passes', async () => {
  const prefix = uniqueName('filters');
  await campaign('create', `${prefix}-a`, '--stock', '1', '--opens-at', '2031-01-01T00:00:00Z');
  await campaign('create', `${prefix}-b`, '--stock', '1');
  await campaign('create', `${prefix}-c`, '--stock', '1', '--name', 'Spring & summer');
  await campaign('pause', `${prefix}-b`);
  expect(await idsOf('--text', prefix)).toEqual([`${prefix}-c`, `${prefix}-a`, `${prefix}-b`]);
  expect(await idsOf('--text', prefix, '--state', 'paused')).toEqual([`${prefix}-b`]);
  expect(await idsOf('--text', prefix, '--phase', 'scheduled')).toEqual([`${prefix}-a`]);
  expect(await idsOf('--text', 'spring & SUMMER')).toEqual([`${prefix}-c`]);
  const { out } = await campaign('list', '--text', prefix);
  expect(out).toMatch(/^ID +STATE +PHASE +ATTENTION +STOCK/);
  expect(out).toMatch(/-a +active +scheduled +– +1 /);
  const none = await campaign('list', '--text', prefix, '--attention', 'dead-letters');
  expect([none.code, none.out]).toEqual([0, 'No campaign passes these filters.\n']);
  const wrong = await campaign('list', '--state', 'kept');
  expect([wrong.code, wrong.err]).toEqual([64, '--state takes one of active, paused, closed, not "kept".\n']);
});
