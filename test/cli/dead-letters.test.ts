import { expect, test } from 'vitest';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { databaseUrl, uniqueName } from '../helpers/services.ts';
import { runningFront } from './running-front.ts';
import { sluice } from './sluice.ts';

const front = runningFront();

const run = (...args: string[]) => sluice(args, { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken });
const json = async (...args: string[]) => JSON.parse((await run('dead-letters', ...args, '--json')).out);

/** A campaign with one ticket, whose letter the ledger holds. */
async function withLetters(count: number): Promise<{ campaign: string; tickets: string[] }> {
  const campaign = uniqueName('letters');
  await run('campaign', 'create', campaign, '--stock', '5');
  const tickets: string[] = [];
  const options = { name: 'test', connectionMax: 1, queueMax: 10, acquireMs: 5_000, statementMs: 5_000 };
  await using ledger = openLedger({ ...options, url: databaseUrl() });
  for (let seq = 1; seq <= count; seq += 1) {
    const user = `user-${seq}`;
    const joined = await fetch(`${front.url}/v1/campaigns/${campaign}/tickets`, {
      method: 'POST',
      headers: { 'x-user-id': user },
    });
    tickets.push(((await joined.json()) as { ticket: string }).ticket);
    const reason = seq === 1 ? 'rejected' : 'code-taken';
    const letter = { campaign, epoch: 1, seq, unit: seq, user, admittedAt: Date.now(), attempts: 6 };
    await keepDeadLetter(ledger, { ...letter, reason, detail: 'not \u001b[31mthis one' });
  }
  return { campaign, tickets };
}

test('dead letters are listed with counts by reason, and one is shown with all that is known', async () => {
  const { campaign } = await withLetters(3);
  const { code, out, err } = await run('dead-letters', 'list', '--campaign', campaign);
  expect(code, err).toBe(0);
  expect(out).toMatch(/^REASON +STATE +COUNT\ncode-taken +kept +2\nrejected +kept +1\n\n *ID +CAMPAIGN/);
  const { deadLetters, summary } = await json('list', '--campaign', campaign, '--state', 'kept');
  expect(deadLetters.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3]);
  expect(summary).toHaveLength(2);
  expect((await json('list', '--campaign', campaign, '--state', 'discarded')).deadLetters).toEqual([]);
  const shown = await run('dead-letters', 'show', String(deadLetters[0].id));
  expect(shown.out).toMatch(/^reason +rejected$/m);
  expect(shown.out).toMatch(/^detail +not \\u\{001B\}\[31mthis one$/m);
  const unknown = await run('dead-letters', 'show', '999999999');
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringMatching(/404.*\n.*sluice dead-letters list/)]);
});

test('a discard says first what it would do, and with --yes does it, by reason, id or ticket', async () => {
  const { campaign, tickets } = await withLetters(4);
  const dry = await run('dead-letters', 'discard', '--campaign', campaign);
  expect([dry.code, dry.out]).toEqual([
    0,
    expect.stringMatching(/^4 dead letters .* match\. Nothing was changed: .*dry run.* To discard 4 .*--yes/),
  ]);
  expect((await json('list', '--campaign', campaign, '--state', 'kept')).deadLetters).toHaveLength(4);
  const byReason = await run('dead-letters', 'discard', '--campaign', campaign, '--reason', 'rejected', '--yes');
  expect([byReason.code, byReason.out]).toEqual([
    0,
    expect.stringMatching(/^Discarded 1 dead letter of \S+\. .*sold again\. 0 matching dead letters left\.\n$/),
  ]);
  const byTicket = await json('discard', tickets[1]!, '--campaign', campaign, '--yes');
  expect(byTicket).toEqual({ campaign, dryRun: false, matching: 1, done: 1, left: 0, skipped: [] });
  const one = await json('discard', '--campaign', campaign, '--limit', '1', '--yes');
  expect(one).toMatchObject({ matching: 2, done: 1, left: 1 });
  const { deadLetters } = await json('list', '--campaign', campaign, '--state', 'discarded');
  expect(deadLetters.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3]);
  const poll = await fetch(`${front.url}/v1/tickets/${tickets[1]}`);
  expect(((await poll.json()) as { status: string }).status).toBe('cancelled');
});

test('a redrive names what it could not redrive', async () => {
  const { campaign } = await withLetters(1);
  expect((await run('dead-letters', 'redrive', '--campaign', campaign)).out).toContain('To redrive 1 of them');
  // Its entry is still waiting for a worker: the letter was only put there by this test.
  const told = await run('dead-letters', 'redrive', '--campaign', campaign, '--yes');
  expect([told.code, told.out]).toEqual([
    0,
    expect.stringMatching(
      /^Redrove no dead letters .* 1 matching dead letter left\.\n {2}skipped \d+: not-settled-yet \(a worker/,
    ),
  ]);
});

test.for<[string, string[], RegExp]>([
  ['no campaign', ['redrive'], /--campaign ID is needed/],
  ['a campaign that is none', ['redrive', '--campaign', 'No Such'], /--campaign takes the id/],
  [
    'a ticket that is none',
    ['discard', 'abc', '--campaign', 'a'],
    /"abc" is neither the id of a dead letter nor a ticket/,
  ],
  ['no id', ['show'], /needs the id of a dead letter/],
  ['an id that is none', ['show', 'x'], /is not the id of a dead letter/],
  ['a state that is none', ['list', '--state', 'lost'], /--state takes kept, redriving/],
  ['an unknown verb', ['retry'], /Verbs of dead-letters: list, show, redrive, discard/],
])('%s is told, with exit code 64', async ([, args, message]) => {
  const { code, err } = await run('dead-letters', ...args);
  expect([code, err]).toEqual([64, expect.stringMatching(message)]);
});
