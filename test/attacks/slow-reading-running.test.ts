// A front that runs, and a client with an address of the internet that guesses tickets: it is read slowly, and operators
// see it. The client is in a network namespace, since a front counts nobody by an address of the loopback.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { runningFront } from '../cli/running-front.ts';
import { makeNamespace } from '../faults/stage/namespace.ts';
import { lacking } from '../faults/stage/needs.ts';
import { until } from '../helpers/until.ts';

const lacks = lacking(['namespace']);
const ends: (() => unknown)[] = [];
const namespace = lacks.length === 0 ? makeNamespace({ onTestFinished: (end) => ends.push(end) }) : undefined;
const front = runningFront({ environment: { HOST: namespace?.outside ?? '127.0.0.1' } });
afterAll(async () => {
  for (const end of ends) await end();
});

/** Asks `count` times over one connection and prints how many answers had each status. */
const CLIENT = `
const [url, count] = process.argv.slice(1);
const statuses = {};
for (let i = 0; i < Number(count); i += 1) {
  const answer = await fetch(url + '/v1/tickets/made-up-' + i);
  await answer.arrayBuffer();
  statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
}
console.log(JSON.stringify(statuses));
`;

test.skipIf(lacks.length > 0)(
  `a client that guesses tickets is read slowly, and the log and a count say so${lacks.map((lack) => ` (${lack})`).join('')}`,
  async () => {
    const count = limits.refusalsPerAddress + 3;
    const [ip, ...inside] = namespace!.wrapper;
    const program = [process.execPath, '--input-type=module', '--eval', CLIENT, front.url, String(count)];
    await until('a connection was not read for a while', async () => {
      const { stdout } = await promisify(execFile)(ip!, [...inside, ...program]);
      expect(JSON.parse(stdout)).toEqual({ 404: count });
      const metrics = await (await fetch(front.metricsUrls[0]!)).text();
      return /^sluice_connections_slowed_total\{[^}]*listener="public"[^}]*\} [1-9]/m.test(metrics);
    });
    await until('a line in the log', () => front.output().includes('its address is refused too often'));
  },
);
