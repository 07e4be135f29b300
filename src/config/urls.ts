// What is wrong with a URL, in words that hold nothing of it: it holds a password.
import { z } from 'zod';

const ESCAPES: Record<string, string> = { '#': '%23', '/': '%2F', '?': '%3F', '@': '%40', '%': '%25' };
const HOST = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i;

interface Parts {
  /** User and password as they are written; undefined without an `@`. */
  login: string | undefined;
  /** `host:port,host:port` */
  hosts: string;
  /** From the first `/`, `?` or `#` on. */
  rest: string;
}

const partsOf = (url: string): Parts => {
  const [, authority = '', rest = ''] = /^[^:]*:\/\/([^/?#]*)(.*)$/s.exec(url) ?? [];
  const at = authority.lastIndexOf('@');
  return { login: at === -1 ? undefined : authority.slice(0, at), hosts: authority.slice(at + 1), rest };
};

const unescaped = (sign: string): string =>
  `has an unescaped ${sign} in its user or password: write ${sign} as ${ESCAPES[sign]} there`;

/**
 * A sentence about the first thing that is wrong with user, password or hosts; undefined when nothing is. Every client
 * library reads an unescaped sign in its own way, so that part of a password would become the name of a host.
 */
export function urlProblem(url: string): string | undefined {
  const { login, hosts, rest } = partsOf(url);
  if (/[\s\p{Cc}]/u.test(url)) return 'contains a space';
  if (rest.includes('@')) {
    if (login === undefined && !/^\/.*\?.*@/s.test(rest)) return unescaped(rest[0]!);
    return `has an @ after its hosts: write @ as %40, and ${rest[0]} in a user or password as ${ESCAPES[rest[0]!]}`;
  }
  if (login?.includes('@')) return unescaped('@');
  if (!isDecodable(login ?? '')) return unescaped('%');
  if (!isDecodable(rest)) return 'has a % after its hosts that is not part of an escape: write % as %25';
  if (hosts === '') return undefined;
  return hosts
    .split(',')
    .map(hostProblem)
    .find((problem) => problem !== undefined);
}

function hostProblem(text: string): string | undefined {
  if (text === '') return 'has a comma without a host on both sides';
  if (!text.startsWith('[') && text.split(':').length > 2) return 'takes an IPv6 address in brackets: [::1]:port';
  const [, , port = '1'] = HOST.exec(text) ?? ['', '', '0'];
  return Number(port) >= 1 && Number(port) <= 65_535 ? undefined : 'has a port that is not a number from 1 to 65535';
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A text whose problem is `problemOf`'s words. */
export const checked = (problemOf: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

const LEDGER_FORM = 'takes mysql://user:password@host:port/database';

/** What is wrong with the address of a ledger; undefined when nothing is. */
export function databaseUrlProblem(text: string): string | undefined {
  if (!/^(mysql|mariadb):\/\//i.test(text)) return LEDGER_FORM;
  const problem = urlProblem(text);
  if (problem !== undefined) return problem;
  const { hosts, rest } = partsOf(text);
  if (hosts === '') return `has no host; ${LEDGER_FORM}`;
  if (hosts.includes(',')) return 'takes one host';
  if (!URL.canParse(text)) return LEDGER_FORM;
  if (rest.includes('#')) return 'has a # after its host: write # as %23';
  if (!/^\/[^/?]+(\?|$)/.test(rest)) return `has no database; ${LEDGER_FORM}`;
  return tlsProblem(new URL(text).searchParams.get('ssl'));
}

export const databaseUrl = checked(databaseUrlProblem);

/** mysql2 takes an object or the name of a profile, and throws at anything else. */
function tlsProblem(ssl: string | null): string | undefined {
  if (ssl === null || ssl === 'Amazon RDS') return undefined;
  try {
    if (/^\{/.test(ssl) && JSON.parse(ssl)) return undefined;
  } catch {
    // Told below, without the parser's words: they quote what they read.
  }
  return 'has an ssl that is not a JSON object: for TLS write ?ssl={"rejectUnauthorized":true}';
}

/** An address of our own or of another service. A password in it would be shown by what fails, and is sent to nobody. */
export const httpUrl = (takes: string) =>
  checked((text) => {
    if (!/^https?:\/\//i.test(text)) return takes;
    if (partsOf(text).login !== undefined) return 'takes no user and password';
    if (text.includes('#')) return 'takes no #: write # as %23';
    return URL.canParse(text) ? undefined : takes;
  });
