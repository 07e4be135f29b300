// Promises that tests of the suite prove with servers of their own: one list of tests for each number.
import type { FaultCase } from '../case.ts';
import { type SuitePlan, suiteCase } from '../stage/suite-b.ts';

const LEDGER: SuitePlan[] = [
  {
    number: 42,
    name: 'work that fails in a transaction, and connections that die under it',
    injected: 'errors thrown and swallowed in a transaction; COMMITs without an answer; idle connections that died',
    claim: 'the first cause comes out, nothing half done stays, no answer counts as unknown',
    tests: [
      {
        file: 'test/ledger/transaction.test.ts',
        names: [
          'what work throws comes out as it was thrown, and nothing of the work stays',
          'an error that work swallowed still undoes all of it',
          "Kysely's own transactions cannot be used by mistake",
        ],
      },
      {
        file: 'test/ledger/lost-answers.test.ts',
        names: [
          'a COMMIT without an answer is told as unknown, and it stands',
          'work that never began because its idle connection had died is begun on a fresh one',
        ],
      },
    ],
  },
  {
    number: 85,
    slow: true,
    name: 'a ledger and a gate that become slow under load',
    injected: 'rows of 2 ms each; a gate of 400 ms a call at five times its capacity; a ledger that comes back',
    claim: 'waits are bounded, others get their turn, work begins again in steps',
    tests: [
      { file: 'test/workers/slow-ledger.test.ts', names: ['a campaign whose rows are slow is no outage'] },
      {
        file: 'test/http/overload.test.ts',
        names: ['five times what the gate can take: every join is a 202 or a 503'],
      },
      { file: 'test/ledger/guard.test.ts', names: ['after an outage work begins with one statement at a time'] },
    ],
  },
];

const RETRIES: SuitePlan[] = [
  {
    number: 55,
    name: 'connections of BullMQ that fall silent, and Redis away for longer than any wait',
    injected: 'a retrier whose connections are silent; Redis stopped; Redis killed and back',
    claim: 'an overdue retry starts the retrier again, and workers go on without a restart',
    tests: [
      {
        file: 'test/retry/bullmq.test.ts',
        names: ['a retrier whose connections fell silent is started again once a retry is overdue'],
      },
      { file: 'test/workers/silent-redis.test.ts', names: ['Redis stopped for longer than any wait of a worker'] },
      {
        file: 'test/workers/outages.test.ts',
        names: ['Redis killed and back on its data: workers go on without a restart, also with retries'],
      },
    ],
  },
  {
    number: 59,
    slow: true,
    name: 'two operators who redrive and discard the same dead letters, and redrives that die half-way',
    injected: '24 letters redriven and discarded on two fronts at once; deaths between every two steps of a redrive',
    claim: 'each letter meets one thing, and a redriven ticket is issued once',
    tests: [
      {
        file: 'test/workers/redrive.test.ts',
        names: [
          'two operators on two fronts who redrive and discard the same letters at once do each letter one thing',
          'is finished by a worker, and issued once',
          'a redriven ticket that fails again is kept again',
          'late word of an attempt before the redrive',
        ],
      },
    ],
  },
];

const FRONT: SuitePlan[] = [
  {
    number: 70,
    slow: true,
    name: 'fronts and workers restarted in turn under load',
    injected: 'two fronts and two workers restarted by SIGTERM; requests in hand, idle and too long',
    claim: 'no request fails, every ticket is issued once, and what outlasts the drain is cut and counted',
    tests: [
      { file: 'test/integration/rolling-restart.test.ts', names: ['two fronts and two workers restarted in turn'] },
      {
        file: 'test/http/drain.test.ts',
        names: [
          'a listener that winds down serves on, and each answer is the last of its connection',
          'closing waits for the request in hand',
          'a request that outlasts the drain is cut, and counted',
          'who waits for a ticket is answered at once when the front leaves',
        ],
      },
    ],
  },
  {
    number: 75,
    name: 'X-Forwarded-For in every shape, from strangers and through proxies',
    injected: 'a matrix of peers and headers; a client that writes the header itself; a household of IPv6',
    claim:
      'the rightmost hop that nobody trusts is counted, IPv6 by its /64, and without proxies the header is nothing',
    tests: [
      {
        file: 'test/http/client-address.test.ts',
        names: [' is counted as ', 'without trusted proxies the header means nothing, whoever sends it'],
      },
      {
        file: 'test/http/address-limits.test.ts',
        names: [
          'whatever a client writes into X-Forwarded-For itself, it stays the same client',
          'a household that changes the second half of its IPv6 address stays the same household',
        ],
      },
    ],
  },
  {
    number: 83,
    name: 'clocks that step under the token bucket',
    injected: 'random steps of the clock, an hour back and three ahead among them; numbers that are none in the gate',
    claim: 'the script decides as the plain model does, fills at most once to its burst, and takes integers alone',
    tests: [
      {
        file: 'test/lua/admit.test.ts',
        names: [
          'decides as the plain model does, over random joins, restocks, pauses, returns and clock steps',
          'a clock that was set back by an hour does not close the sale for an hour',
        ],
      },
      { file: 'test/lua/nonsense.test.ts', names: ['is refused, and nothing is written'] },
    ],
  },
];

const SECURITY: SuitePlan[] = [
  {
    number: 71,
    name: 'tokens that are wrong in every known way',
    injected: 'none, HS by a public key, foreign keys, expired, without exp, other audience, two headers and the like',
    claim: 'each is the same 401, good ones pass, and the user is the token’s',
    tests: [
      {
        file: 'test/http/jwt.test.ts',
        names: [
          ' is a 401 like any other',
          ' is good, the first time and the second',
          'the user is the token’s, whatever else the request says',
          'a token that is known already is forgotten when it expires',
        ],
      },
    ],
  },
  {
    number: 72,
    name: 'made-up key ids, and a provider of keys that is away',
    injected: '5,000 unknown key ids in ten minutes of its clock; a provider with errors, nonsense, silence',
    claim: 'at most two questions a minute, old keys go on being used, and 503 where nobody can know',
    tests: [
      {
        file: 'test/http/signing-keys.test.ts',
        names: [
          'the keys are fetched once, at the start, whatever comes',
          '5,000 made-up key ids in ten minutes make no more than two questions a minute',
          'while the provider is away its old keys go on being used',
          'and never did better makes it unknown who asks, with few questions',
          'a join with a token nobody can check is a 503, one without a token a 401',
        ],
      },
    ],
  },
  {
    number: 74,
    name: 'idempotency keys that are reused, raced, foreign, huge or malformed',
    injected: 'one key ten times at once, with another body, for another campaign; malformed, double and huge keys',
    claim: 'stock is added once for each key, another body is a 422, malformed keys are refused',
    tests: [
      { file: 'test/http/admin.test.ts', names: ['stock is added once for each key, however often'] },
      { file: 'test/ledger/campaigns.test.ts', names: ['stock asked for with one key is added once, however many'] },
      {
        file: 'test/http/hostile.test.ts',
        names: ['stock without a key', 'stock with the key', 'stock with two keys'],
      },
    ],
  },
  {
    number: 78,
    name: 'what a page of another site can make a browser send to the admin API',
    injected: 'forms, fetches with foreign, own and no origin, beacons, cookies, remembered credentials',
    claim: 'nothing is changed, no cookie is set, no other origin is let in',
    tests: [
      {
        file: 'test/http/admin-roles.test.ts',
        names: [
          'of another site changes nothing, gets no cookie and no leave to try again',
          'nothing on either port ever sets a cookie',
        ],
      },
    ],
  },
  {
    number: 80,
    name: 'canaries in every secret and user id, and every trouble there is',
    injected: 'refused logins, lost stores, spoilt secrets, wrong tokens, bugs that end the process',
    claim: 'no output holds a secret, a token or a user',
    tests: [
      {
        file: 'test/telemetry/log-canary.test.ts',
        names: [
          'a front and a worker in every trouble there is print no secret and no user',
          'a front whose tokens cannot be checked, or are wrong, prints none of them',
          'ends without a word of it',
          'secrets that were kept in a file and are spoilt are not quoted',
          'is told with its place and not with what it carries',
        ],
      },
    ],
    slow: true,
  },
];

export const provedBySuite: readonly FaultCase[] = [...LEDGER, ...RETRIES, ...FRONT, ...SECURITY].map(suiteCase);
