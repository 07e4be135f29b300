// What a test asks of a front, in one line each.
import type { IdentitySource } from '../../src/http/public/identity.ts';
import { pause } from '../../src/process/lifecycle.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { uniqueName } from '../helpers/services.ts';

/** Every field that an answer of ours may have; a test looks at those it is about. */
export interface AnswerBody {
  ticket: string;
  status: string | number;
  type: string;
  title: string;
  detail?: string;
  errors: { field: string; message: string }[];
  [field: string]: unknown;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: AnswerBody;
}

type HeaderFields = Record<string, string>;

export interface Client {
  ask: (path: string, init?: RequestInit) => Promise<Answer>;
  admin: (method: string, path: string, body?: unknown, headers?: HeaderFields) => Promise<Answer>;
  /** A campaign made through the admin API; its id. */
  create: (settings?: Record<string, unknown>) => Promise<string>;
  join: (campaign: string, user: string, headers?: HeaderFields) => Promise<Answer>;
  poll: (ticket: string, headers?: HeaderFields) => Promise<Answer>;
  giveBack: (ticket: string, headers?: HeaderFields) => Promise<Answer>;
  /** The tickets of users `user-<from>` to `user-<to>`, all admitted. */
  admit: (campaign: string, from: number, to: number) => Promise<string[]>;
}

export interface ClientOptions {
  url: string;
  adminUrl: string;
  token: string;
  identity: IdentitySource;
}

export function clientOf({ url, adminUrl, token, identity }: ClientOptions): Client {
  const gateway: HeaderFields = identity.kind === 'gateway' ? { 'x-gateway-secret': identity.secrets[0]! } : {};
  const ask = (path: string, init?: RequestInit) => request(`${url}${path}`, init);
  const admin: Client['admin'] = (method, path, body, headers = {}) =>
    request(`${adminUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const join: Client['join'] = (campaign, user, headers = {}) =>
    ask(`/v1/campaigns/${campaign}/tickets`, {
      method: 'POST',
      headers: { 'x-user-id': user, ...gateway, ...headers },
    });
  return {
    ask,
    admin,
    create: async (given = {}) => {
      const id = uniqueName('front');
      const { status, text } = await admin('POST', '/admin/campaigns', { id, stock: 100, ...given });
      if (status !== 201) throw new Error(`the campaign was not created: ${status} ${text}`);
      return id;
    },
    join,
    poll: (ticket, headers = {}) => ask(`/v1/tickets/${ticket}`, { headers }),
    giveBack: (ticket, headers = {}) => ask(`/v1/tickets/${ticket}`, { method: 'DELETE', headers }),
    admit: async (campaign, from, to) => {
      const users = Array.from({ length: to - from + 1 }, (_, i) => `user-${from + i}`);
      const answers = await Promise.all(users.map((user) => untilDecided(() => join(campaign, user))));
      return answers.map(({ status, body, text }) => {
        if (status !== 202) throw new Error(`not admitted: ${status} ${text}`);
        return body.ticket;
      });
    },
  };
}

/** A front that is busy with other tests may refuse for lack of capacity, and its client is told to ask again. */
async function untilDecided(ask: () => Promise<Answer>): Promise<Answer> {
  const giveUpAt = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503 || Date.now() > giveUpAt) return answer;
    await pause(50);
  }
}

async function request(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = /^application\/(problem\+)?json$/.test(response.headers.get('content-type') ?? '');
  const body = (isJson && text !== '' ? JSON.parse(text) : {}) as AnswerBody;
  return { status: response.status, headers: response.headers, text, body };
}
