// How the buyers of a rehearsal say who they are: the source of identity that the service believes.
import { readFileSync } from 'node:fs';
import { fieldsOf } from './answers.ts';
import { CannotRun } from './cannot-run.ts';

export interface BuyerIdentity {
  /** The user id of buyer `index`, as the ledger will have it. */
  userOf(seed: string, index: number): string;
  headersOf(user: string): Record<string, string>;
  /** What to look at when the service refuses these buyers with 401 or 403. */
  advice: string;
}

/** The bare header, which only the local profile believes. */
export const bareIdentity: BuyerIdentity = {
  userOf: (seed, index) => `${seed}-${index}`,
  headersOf: (user) => ({ 'x-user-id': user }),
  advice:
    'The rehearsal sent buyers with X-User-Id alone. For a service with GATEWAY_SECRET give --gateway-secret-file or set GATEWAY_SECRET; for one with JWT_… give --tokens-file',
};

/** What a gateway would send on behalf of its users. */
export function gatewayIdentity(secret: string): BuyerIdentity {
  return {
    ...bareIdentity,
    headersOf: (user) => ({ 'x-user-id': user, 'x-gateway-secret': secret }),
    advice: 'The rehearsal sent buyers with a gateway secret: check that it is a GATEWAY_SECRET of this service',
  };
}

/** One bearer token for each buyer, whose user is what `userClaim` says. Throws {@link CannotRun}. */
export function tokenIdentity(tokens: readonly string[], buyers: number, userClaim: string): BuyerIdentity {
  if (tokens.length < buyers) {
    throw new CannotRun(
      `there are ${tokens.length} tokens for ${buyers} buyers. Give --buyers ${tokens.length}, or more tokens`,
    );
  }
  const users = tokens.map((token, index) => userIn(token, userClaim, index));
  const tokenOf = new Map(users.map((user, index) => [user, tokens[index]!]));
  if (tokenOf.size < users.length) {
    throw new CannotRun(
      `${users.length} tokens name ${tokenOf.size} users in ${userClaim}: each buyer needs a token of its own user`,
    );
  }
  return {
    userOf: (_seed, index) => users[index]!,
    headersOf: (user) => ({ authorization: `Bearer ${tokenOf.get(user)}` }),
    advice:
      'The rehearsal sent buyers with the bearer tokens of --tokens-file: check that this service accepts them, and that they have not expired',
  };
}

/** The lines of a file without blank ones. Throws {@link CannotRun}. */
export function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (error) {
    throw new CannotRun(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

/** Read, not verified: that is up to the service. */
function userIn(token: string, userClaim: string, index: number): string {
  const user = claimsOf(token)[userClaim];
  if (typeof user === 'string') return user;
  throw new CannotRun(`line ${index + 1} of --tokens-file is not a JWT with the claim ${userClaim} (JWT_USER_CLAIM)`);
}

function claimsOf(token: string): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
  } catch {
    return {};
  }
}
