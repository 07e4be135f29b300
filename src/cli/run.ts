// One command from its arguments to its exit code.
import { visibleJson, visibleLines } from '../domain/text.ts';
import { type AdminClient, ask, askAll } from './admin-client.ts';
import type { Answer, Problem } from './answer.ts';
import { type Command, readCommand } from './arguments.ts';
import { EXIT } from './exit.ts';
import { optionOfField } from './options.ts';
import { operatorToken, requestToken, type TokenSettings } from './token.ts';
import type { Request, SingleVerb, Terminal, Tools } from './verb.ts';

export interface CliDeps {
  out: (text: string) => void;
  err: (text: string) => void;
  terminal: Terminal;
  /** Where the service is; a text says what is wrong with the settings. */
  settings: () => (TokenSettings & { adminUrl: string }) | string;
  actor: string;
  /** Looks at the servers; resolves with its exit code. */
  doctor: (json: boolean) => Promise<number>;
  /** Runs workers until it is stopped; resolves with its exit code. */
  autoscale: () => Promise<number>;
}

/** Resolves with the exit code, see {@link EXIT}; never rejects for anything the operator or the service did. */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const misused = (problems: string[], exit: number = EXIT.usage): number => {
    deps.err(argv.includes('--json') ? `${visibleJson({ problems })}\n` : visibleLines(`${problems.join('\n')}\n`));
    return exit;
  };
  const command = readCommand(argv);
  if (command.kind === 'help') {
    deps.out(command.text);
    return EXIT.done;
  }
  if (command.kind === 'problems') return misused(command.problems);
  if (command.kind === 'doctor') return deps.doctor(command.json);
  if (command.kind === 'autoscale') return deps.autoscale();
  const settings = deps.settings();
  if (typeof settings === 'string') return misused(settings.split('\n'), EXIT.configuration);
  const found = command.kind === 'token' ? operatorToken(settings) : requestToken(settings);
  if ('problem' in found) return misused([found.problem]);
  if (command.kind === 'token') {
    deps.out(`${found.token}\n`);
    return EXIT.done;
  }
  const client = { url: command.adminUrl ?? settings.adminUrl, token: found.token, actor: deps.actor };
  const { verb, names, values, json } = command;
  const asked = { ...command, deps, client };
  const work = verb.work?.(names, values);
  if (work !== undefined) {
    const failed: Tools['failed'] = (request, answer) => tellFailure(asked, request, answer);
    return work({
      ...deps,
      json,
      failed,
      ask: (it) => ask(client, it),
      askAll: (it, field) => askAll(client, it, field),
    });
  }
  const single = verb as SingleVerb;
  const request = single.request(names, values);
  const answer = await (single.pages === undefined ? ask(client, request) : askAll(client, request, single.pages));
  return answer.kind === 'done' ? tellDone(deps, single, json, request, answer) : tellFailure(asked, request, answer);
}

type DoneAnswer = Extract<Answer, { kind: 'done' }>;

function tellDone(deps: CliDeps, verb: SingleVerb, json: boolean, request: Request, answer: DoneAnswer): number {
  const { idempotencyKey } = request;
  const extra = idempotencyKey === undefined ? {} : { idempotencyKey };
  if (json) deps.out(`${visibleJson({ ...(answer.body as object), ...extra })}\n`);
  else deps.out(visibleLines(verb.show(answer.body, { request, isNew: answer.status === 201 })));
  return EXIT.done;
}

type Asked = Extract<Command, { kind: 'ask' }> & { deps: CliDeps; client: AdminClient };

function tellFailure(
  { verb, json, deps, client }: Asked,
  request: Request,
  answer: Exclude<Answer, DoneAnswer>,
): number {
  if (answer.kind === 'refused') {
    if (json) deps.err(`${visibleJson({ status: answer.status, ...answer.problem })}\n`);
    else {
      const why = inWords(answer.status, answer.problem, client, verb.noun);
      deps.err(visibleLines(`Refused (${answer.status}): ${why}\n`));
    }
    return EXIT.refused;
  }
  const advice = answer.known
    ? 'Nothing was done. Start the service (npm start), or give its address with --admin-url or ADMIN_URL.'
    : unknownOutcome(request);
  if (json) deps.err(`${visibleJson({ unreachable: client.url, why: answer.why, advice })}\n`);
  else deps.err(visibleLines(`Unreachable: ${client.url} (${answer.why}).\n${advice}\n`));
  return EXIT.unreachable;
}

function unknownOutcome({ method, idempotencyKey }: Request): string {
  if (method === 'GET') return 'Nothing was changed. Run the command again.';
  const again = idempotencyKey === undefined ? '' : ` with --key ${idempotencyKey}`;
  return `The service may have done it, or not. It is safe to run the same command again${again}.`;
}

function inWords(status: number, problem: Problem, client: AdminClient, noun: string) {
  const { title = 'The service gave no reason', detail, errors = [] } = problem;
  const lines = [`${title}.${detail === undefined ? '' : ` ${detail}`}`];
  for (const { field, message } of errors) lines.push(`  ${optionOfField(field)}: ${message}`);
  if (status === 401) {
    lines.push(`The server at ${client.url} rejected this admin token (from ADMIN_TOKEN or secrets.json).`);
  }
  if (status === 403) lines.push('ADMIN_READ_TOKEN may only read. Set ADMIN_TOKEN to make changes.');
  if (status === 404) lines.push(`To list them: sluice ${noun === 'reconcile' ? 'campaign' : noun} list`);
  return lines.join('\n');
}
