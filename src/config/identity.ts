// The settings that say who may tell who asks, and which proxies may tell from where.
import { createPublicKey } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';
import { limits } from '../process/limits.ts';
import { whole } from './scalars.ts';
import { httpUrl } from './urls.ts';

/** Public signing keys, as a JSON Web Key Set holds them. */
export type PublicKey = { kty: string; [member: string]: unknown };

/** `header`: the bare X-User-Id is believed; nobody but the local profile may do so. */
export type IdentityConfig =
  | { kind: 'header' }
  | { kind: 'gateway'; secrets: readonly string[] }
  | {
      kind: 'jwt';
      keys: URL | readonly PublicKey[];
      issuer: string;
      audience: string;
      algorithms: readonly string[];
      clockToleranceSeconds: number;
      userClaim: string;
    };

/** Signatures only: with a secret both sides know, whoever checks tokens could make them. */
const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
  'Ed25519',
];

const listOf = (text: string): string[] => text.split(',').map((part) => part.trim());
const list = z.string().transform(listOf);

export const identitySettings = {
  GATEWAY_SECRET: list
    .refine((secrets) => secrets.every(({ length }) => length >= 16), 'takes at least 16 characters')
    .refine((secrets) => secrets.length <= 2, 'takes one secret, or two after a comma during a rotation')
    .optional(),
  // A user and password would be sent to nobody (fetch refuses them) and shown to everybody (its error quotes them).
  JWT_JWKS_URL: httpUrl('takes https://…')
    .transform((text) => new URL(text))
    .optional(),
  JWT_KEYS: z.string().transform(publicKeys).optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  JWT_ALGORITHMS: list
    .refine((names) => names.every((name) => ALGORITHMS.includes(name)), `takes a list of ${ALGORITHMS.join(', ')}`)
    .default(['ES256', 'RS256', 'EdDSA']),
  JWT_CLOCK_TOLERANCE_SECONDS: whole(0, limits.clockToleranceMaxSeconds).default(5),
  JWT_USER_CLAIM: z
    .string()
    .regex(/^[\w:./-]{1,128}$/, 'takes the name of a claim')
    .default('sub'),
  TRUSTED_PROXIES: list
    .refine((networks) => networks.every(isNetwork), 'takes addresses and networks: 10.0.0.0/8,2001:db8::/32')
    .default([]),
};

export type IdentitySettings = z.output<z.ZodObject<typeof identitySettings>>;

export function identityOf(env: IdentitySettings): IdentityConfig {
  const keys = env.JWT_JWKS_URL ?? env.JWT_KEYS;
  if (keys !== undefined) {
    return {
      kind: 'jwt',
      keys,
      issuer: env.JWT_ISSUER!,
      audience: env.JWT_AUDIENCE!,
      algorithms: env.JWT_ALGORITHMS,
      clockToleranceSeconds: env.JWT_CLOCK_TOLERANCE_SECONDS,
      userClaim: env.JWT_USER_CLAIM,
    };
  }
  return env.GATEWAY_SECRET === undefined ? { kind: 'header' } : { kind: 'gateway', secrets: env.GATEWAY_SECRET };
}

export interface Demands {
  isProduction: boolean;
  isNeeded: boolean;
}

/** What does not go together: one front believes one source, so that no request can play one against the other. */
export function identityProblems(
  { values: env, given }: { values: Partial<IdentitySettings>; given: ReadonlySet<string> },
  { isProduction, isNeeded }: Demands,
): string[] {
  const sources = ['GATEWAY_SECRET', 'JWT_JWKS_URL', 'JWT_KEYS'].filter((name) => given.has(name));
  const problems: string[] = [];
  if (sources.length > 1)
    problems.push(`${sources.join(', ')}: a front has one source of identity; set only one of them`);
  if (sources.length === 0 && isProduction && isNeeded) {
    problems.push(
      'GATEWAY_SECRET: this front needs a source of identity; set GATEWAY_SECRET, JWT_JWKS_URL or JWT_KEYS',
    );
  }
  const isJwt = sources.some((name) => name !== 'GATEWAY_SECRET');
  for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE']) {
    if (isJwt && !given.has(name)) problems.push(`${name}: JWT_JWKS_URL and JWT_KEYS need it, and it is not set`);
    if (!isJwt && given.has(name)) problems.push(`${name}: has no effect without JWT_JWKS_URL or JWT_KEYS`);
  }
  const url = env.JWT_JWKS_URL;
  if (isProduction && url?.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    problems.push(
      'JWT_JWKS_URL: takes https:// in production; with http:// an attacker on the network could replace the keys',
    );
  }
  return problems;
}

function publicKeys(text: string, context: z.core.$RefinementCtx): PublicKey[] {
  try {
    const { keys } = JSON.parse(text) as { keys: PublicKey[] };
    if (keys.length > 0 && keys.every(isPublicKey)) return keys;
  } catch {
    // Told below, without the parser's words: they quote what they read.
  }
  context.addIssue({ code: 'custom', message: 'takes a JSON Web Key Set of public EC, RSA (≥ 2048 bits) or OKP keys' });
  return z.NEVER;
}

function isPublicKey(key: PublicKey): boolean {
  if (!['EC', 'RSA', 'OKP'].includes(key.kty) || 'd' in key) return false;
  const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' });
  return (asymmetricKeyDetails?.modulusLength ?? 2_048) >= 2_048;
}

/** An address, or a network that leaves somebody out: who trusts all proxies lets every buyer choose an address. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || /^::ffff:/i.test(address)) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}
