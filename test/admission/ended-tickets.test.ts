// Polls of archived tickets: one question to the ledger for each, and no line of them behind a ledger that hangs.
import { expect, test } from 'vitest';
import { createEndedTickets } from '../../src/admission/ended-campaigns.ts';
import type { HeldTicket } from '../../src/admission/held-tickets.ts';
import type { EndedTicket } from '../../src/domain/ended-campaign.ts';
import { limits } from '../../src/process/limits.ts';

const held = (seq: number): HeldTicket => ({
  text: `ticket-${seq}`,
  ticket: { campaign: 'old', epoch: 1, seq, unit: seq, admittedAt: 1, tag: 'A'.repeat(16) },
  pollCount: 0,
  pollWindowAt: 0,
});

/** A ledger whose answers the test gives, and a clock that it sets. */
function polls() {
  let nowMs = 0;
  const asked: { seq: number; answer: (ticket: EndedTicket) => void }[] = [];
  const findTicket = ({ seq }: { seq: number }) =>
    new Promise<EndedTicket>((resolve) => {
      asked.push({ seq, answer: resolve });
    });
  const poll = createEndedTickets({ findTicket, durability: 'disk' }, () => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { poll, asked, pass };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('few polls ask at a time, and those that waited too long behind a ledger that hangs are refused', async () => {
  const { poll, asked, pass } = polls();
  const answers = [1, 2, 3, 4, 5].map((seq) => poll(held(seq), undefined));
  await turn();
  expect(asked.map(({ seq }) => seq)).toEqual([1, 2].slice(0, limits.archivedAsksMax));
  pass(limits.archivedWaitMs);
  asked[0]!.answer({ status: 'cancelled' });
  expect((await answers[0]!).status).toBe('cancelled');
  await turn();
  expect(asked.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  pass(1);
  asked[1]!.answer({ status: 'cancelled' });
  const late = await Promise.allSettled(answers.slice(3));
  expect(late).toMatchObject([4, 5].map(() => ({ reason: { code: 'overloaded', retryable: true } })));
  expect(asked.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test('a final answer is kept with the ticket, and a failure is asked again: its letter may be discarded', async () => {
  const { poll, asked, pass } = polls();
  const [final, failed] = [held(1), held(2)];
  const first = [poll(final, undefined), poll(failed, undefined)];
  await turn();
  asked[0]!.answer({ status: 'issued', unit: 7, code: 'C' });
  asked[1]!.answer({ status: 'failed', reason: 'malformed-entry' });
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual(['issued', 'failed']);
  pass(limits.endedViewMs - 1);
  expect((await poll(failed, undefined)).status).toBe('failed');
  expect(asked).toHaveLength(2);
  pass(1);
  expect((await poll(final, undefined)).issuance).toEqual({ unit: 7, code: 'C' });
  const again = poll(failed, undefined);
  await turn();
  asked[2]!.answer({ status: 'cancelled' });
  expect((await again).status).toBe('cancelled');
});
