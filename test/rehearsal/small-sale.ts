// A sale in one process, just large enough to hold a whole rehearsal on; `flaw` makes it break a promise on purpose.
import type { ServerResponse } from 'node:http';
import type { TestContext } from 'vitest';
import { problem, reply, startServer } from './answering-server.ts';
import { openLedger } from './past-sale.ts';

export type Flaw =
  | 'loses every tenth row'
  | 'says sold out one unit early'
  | 'never answers a join'
  | 'asks for a gateway secret'
  | 'forgets who polls';

export const GATEWAY_SECRET = 'the-secret-of-the-gateway';

export interface SmallSale {
  url: string;
  databaseUrl: string;
  /** Bodies and paths of the admin calls, in order. */
  adminCalls: { path: string; authorization: string | undefined; body: string }[];
}

export async function startSmallSale(t: TestContext, flaw?: Flaw): Promise<SmallSale> {
  const ledger = await openLedger();
  const adminCalls: SmallSale['adminCalls'] = [];
  const seqs = new Map<string, number>();
  let campaign = '';
  let stock = 0;

  function join(user: string, response: ServerResponse) {
    if (flaw === 'never answers a join')
      return reply(response, 429, problem('quota-exceeded'), { 'retry-after': '600' });
    const known = seqs.get(user);
    if (known !== undefined) return reply(response, 200, ticket(user, known));
    const left = stock - seqs.size - (flaw === 'says sold out one unit early' ? 1 : 0);
    if (left <= 0) return reply(response, 409, problem('sold-out'));
    const seq = seqs.size + 1;
    seqs.set(user, seq);
    if (flaw !== 'loses every tenth row' || seq % 10 !== 0) {
      void ledger.execute(
        `INSERT INTO issuances VALUES ('${campaign}', ${seq}, '${user}', ${seq}, 'C${seq}', NOW(6), NOW(6))`,
      );
    }
    return reply(response, 202, ticket(user, seq));
  }
  const ticket = (user: string, seq: number) => ({ ticket: `${seq}.${user}`, status: 'queued', seq, pollAfterMs: 10 });

  const server = await startServer(t, ({ method, path, user }, response, request) => {
    if (path === '/admin/campaigns') {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      return request.on('end', () => {
        adminCalls.push({ path, authorization: request.headers.authorization, body });
        if (request.headers.authorization !== 'Bearer right') return reply(response, 401);
        ({ id: campaign, stock } = JSON.parse(body));
        reply(response, 201, {});
      });
    }
    if (path.startsWith('/admin/')) {
      adminCalls.push({ path, authorization: request.headers.authorization, body: '' });
      return reply(response, 200, {});
    }
    if (path === `/v1/campaigns/${campaign}`) return reply(response, 200, { phase: 'open' });
    if (flaw === 'asks for a gateway secret' && request.headers['x-gateway-secret'] !== GATEWAY_SECRET) {
      return reply(response, 401, { title: 'The request does not identify a user' });
    }
    if (method === 'POST') return join(user, response);
    if (flaw === 'forgets who polls') return reply(response, 403, {});
    const seq = seqs.get(user)!;
    return reply(response, 200, { ...ticket(user, seq), status: 'issued', issuance: { code: `C${seq}`, unit: seq } });
  });
  t.onTestFinished(() => ledger.close());
  return { url: server.url, databaseUrl: ledger.url, adminCalls };
}

/** The command line of a rehearsal on it. */
export const at = ({ url, databaseUrl }: SmallSale, ...more: string[]) => {
  const where = ['--url', url, '--admin-url', url, '--database-url', databaseUrl, '--admin-token', 'right'];
  return [...where, '--buyers', '300', '--stock', '100', '--rate', '2000', '--deadline', '60', ...more];
};
