// One command from its arguments to its exit code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AdminClient, type Answer, ask, type Problem } from './admin-client.ts';
import { type Command, readCommand } from './arguments.ts';
import { EXIT } from './help.ts';
import { optionOfField } from './options.ts';
import type { Request } from './verbs.ts';

export interface CliDeps {
  out: (text: string) => void;
  err: (text: string) => void;
  /** Where the service is; a text says what is wrong with the settings. */
  settings: () => { adminUrl: string; adminToken: string | undefined; dataDir: string } | string;
  actor: string;
  /** Looks at the servers; resolves with its exit code. */
  doctor: (json: boolean) => Promise<number>;
}

/** Resolves with the exit code, see {@link EXIT}; never rejects for anything the operator or the service did. */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const misused = (problems: string[], exit: number = EXIT.usage): number => {
    deps.err(argv.includes('--json') ? `${JSON.stringify({ problems })}\n` : `${problems.join('\n')}\n`);
    return exit;
  };
  const command = readCommand(argv);
  if (command.kind === 'help') {
    deps.out(command.text);
    return EXIT.done;
  }
  if (command.kind === 'problems') return misused(command.problems);
  if (command.kind === 'doctor') return deps.doctor(command.json);
  const settings = deps.settings();
  if (typeof settings === 'string') return misused(settings.split('\n'), EXIT.configuration);
  const token = settings.adminToken ?? keptToken(settings.dataDir);
  if (token === undefined) {
    const file = join(settings.dataDir, 'secrets.json');
    return misused([`No admin token: set ADMIN_TOKEN, or DATA_DIR to the service's data folder (no ${file}).`]);
  }
  const client = { url: command.adminUrl ?? settings.adminUrl, token, actor: deps.actor };
  const request = command.verb.request(command.names, command.values);
  const { pages } = command.verb;
  const answer = await (pages === undefined ? ask(client, request) : askAll(client, request, pages));
  return tell(deps, command, client, request, answer);
}

/** All pages of the list, as one; what the first page says besides its list stands. */
async function askAll(client: AdminClient, request: Request, field: string): Promise<Answer> {
  const all: { id: string | number }[] = [];
  let first: object | undefined;
  for (;;) {
    const after = all.length === 0 ? '' : `&after=${all.at(-1)!.id}`;
    const answer = await ask(client, { ...request, path: `${request.path}${after}` });
    if (answer.kind !== 'done') return answer;
    const body = answer.body as Record<string, unknown>;
    const page = body[field] as { id: string | number }[];
    first ??= body;
    all.push(...page);
    if (page.length === 0) return { kind: 'done', body: { ...first, [field]: all } };
  }
}

type Asked = Extract<Command, { kind: 'ask' }>;

function tell(deps: CliDeps, { verb, json }: Asked, client: AdminClient, request: Request, answer: Answer): number {
  const { idempotencyKey } = request;
  const again = idempotencyKey === undefined ? '' : ` with --key ${idempotencyKey}`;
  switch (answer.kind) {
    case 'done': {
      const extra = idempotencyKey === undefined ? {} : { idempotencyKey };
      deps.out(json ? `${JSON.stringify({ ...(answer.body as object), ...extra })}\n` : verb.show(answer.body));
      if (!json && idempotencyKey !== undefined) deps.out(`\nIdempotency-Key ${idempotencyKey}: adds nothing again.\n`);
      return EXIT.done;
    }
    case 'refused':
      if (json) deps.err(`${JSON.stringify({ status: answer.status, ...answer.problem })}\n`);
      else deps.err(`Refused (${answer.status}): ${inWords(answer.status, answer.problem, client, verb.noun)}\n`);
      return EXIT.refused;
    case 'unreachable': {
      const advice = answer.known
        ? 'Nothing was done. Start the service (npm start), or say where it is with --admin-url or ADMIN_URL.'
        : `Whether it was done is not known. Running the same command again${again} is safe.`;
      if (json) deps.err(`${JSON.stringify({ unreachable: client.url, why: answer.why, advice })}\n`);
      else deps.err(`Unreachable: ${client.url} (${answer.why}).\n${advice}\n`);
      return EXIT.unreachable;
    }
  }
}

function inWords(status: number, problem: Problem, client: AdminClient, noun: string) {
  const { title = 'no reason given', detail, errors = [] } = problem;
  const lines = [`${title}.${detail === undefined ? '' : ` ${detail}`}`];
  for (const { field, message } of errors) lines.push(`  ${optionOfField(field)}: ${message}`);
  if (status === 401) lines.push(`ADMIN_TOKEN, or the secrets.json it was read from, is not of ${client.url}.`);
  if (status === 403) lines.push("Set ADMIN_TOKEN to the operator's token.");
  if (status === 404) lines.push(`See what there is: sluice ${noun === 'reconcile' ? 'campaign' : noun} list`);
  return lines.join('\n');
}

function keptToken(dataDir: string): string | undefined {
  try {
    const { adminToken } = JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8')) as Record<string, unknown>;
    return typeof adminToken === 'string' ? adminToken : undefined;
  } catch {
    return undefined; // Absent or unreadable: the caller says what to do.
  }
}
