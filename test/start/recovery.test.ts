import { expect, test } from 'vitest';
import { pause } from '../../src/process/lifecycle.ts';
import { signalIfThere } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';
import { joinCampaign, openCampaign, openPlace, poll, startSluice, stillThere, untilIssued } from './sluice.ts';

test('after kill -9 the next start cleans up and works on the same data', async (t) => {
  const place = await openPlace(t);
  const killed = await startSluice(t, place);
  await openCampaign(killed, 'kept', 100);
  const tickets: string[] = [];
  for (let user = 0; user < 20; user += 1) {
    const { status, body } = await joinCampaign(killed, 'kept', `user-${user}`);
    expect(status).toBe(202);
    tickets.push(body.ticket);
  }
  const issued = await untilIssued(killed, tickets[0]!);
  const family = killed.family();
  await killed.end('SIGKILL');

  const next = await startSluice(t, place);
  expect(next.url).toBe(killed.url);
  for (const ticket of tickets) await untilIssued(next, ticket);
  expect((await poll(next, tickets[0]!)).body.issuance).toEqual(issued);
  // A gate sells nothing before a worker has compared it with the ledger.
  const again = await until('the gate is open', 5_000, async () => {
    const answer = await joinCampaign(next, 'kept', 'user-7');
    if (answer.status !== 503) return answer;
    await pause(200);
    return undefined;
  });
  expect(again).toMatchObject({ status: 200, body: { ticket: tickets[7] } });
  expect((await joinCampaign(next, 'kept', 'late')).status).toBe(202);
  await until('nothing of the killed one is left', 10_000, () => stillThere(family).length === 0);
});

test.for([
  ['Redis', /redis-server|valkey-server/],
  ['database', /mariadbd|mysqld/],
  ['worker', /workers\/main\.ts/],
] as const)(
  'a private %s that is killed comes back; meanwhile the front answers, and polls of waiting tickets too',
  async ([name, command], t) => {
    const sluice = await startSluice(t, await openPlace(t));
    await openCampaign(sluice, 'lively', 1_000);
    const { body: before } = await joinCampaign(sluice, 'lively', 'before');
    await untilIssued(sluice, before.ticket);
    // A ticket that waits: the worker is held while it is admitted.
    const worker = sluice.member(/workers\/main\.ts/);
    process.kill(worker.pid, 'SIGSTOP');
    t.onTestFinished(() => signalIfThere(worker.pid, 'SIGCONT'));
    const { body: waiting } = await joinCampaign(sluice, 'lively', 'waiting');
    await until(
      'the front knows that it waits',
      3_000,
      async () => (await poll(sluice, waiting.ticket)).status === 200,
    );

    const victim = sluice.member(command);
    process.kill(victim.pid, 'SIGKILL');
    const seen = new Set<string>();
    for (let look = 0; look < 20; look += 1) {
      seen.add(`livez ${(await fetch(`${sluice.url}/livez`)).status}`);
      const { status, body } = await poll(sluice, waiting.ticket);
      seen.add(`poll ${status} ${body.status}`);
    }
    expect([...seen].toSorted()).toEqual(['livez 200', 'poll 200 queued']);
    signalIfThere(worker.pid, 'SIGCONT');

    await untilIssued(sluice, waiting.ticket, 30_000);
    const after = await until(`a join after the ${name} came back`, 20_000, async () => {
      const { status, body } = await joinCampaign(sluice, 'lively', 'after');
      return status === 202 || status === 200 ? body : undefined;
    });
    await untilIssued(sluice, after.ticket, 20_000);
    expect(stillThere([victim])).toEqual([]);
    expect(sluice.member(command).pid).not.toBe(victim.pid);
  },
);
