// Every `sluice …` that a person reads somewhere and types goes through the parser of the command line.
import { expect, test } from 'vitest';
import { readCommand } from '../../src/cli/arguments.ts';
import { read, sources } from '../tidy/sources.ts';

const BEFORE = String.raw`(?:npx sluice|sluice|docker compose exec app node src/cli\.ts)`;
const NOUN = '(?:campaign|dead-letters|reconcile|user|status|top|doctor|autoscale|size|token)';

interface Printed {
  where: string;
  command: string;
}

/** In Markdown and YAML: what stands between backticks, and whole lines of a code block. */
function inText(path: string): Printed[] {
  const text = read(path);
  const spans = [...text.matchAll(new RegExp(`\`${BEFORE}( [^\`]*)?\``, 'g'))];
  const lines = [...text.matchAll(new RegExp(`^${BEFORE}( .*?)?(?: {2,}#.*)?$`, 'gm'))];
  return [...spans, ...lines].map(({ 1: rest = '' }) => ({ where: path, command: rest.trim() }));
}

/** In messages of the code a command ends where prose goes on: at the first word that is neither option nor placeholder. */
function inCode(path: string): Printed[] {
  const lines = read(path)
    .split('\n')
    .filter((line) => !/Usage:/.test(line));
  return lines.flatMap((line) =>
    [...line.matchAll(new RegExp(`\\bsluice (${NOUN}\\b[^'"\`]*)`, 'g'))].map(([, rest]) => ({
      where: path,
      command: commandOf(rest!.split(' ')),
    })),
  );
}

function commandOf([noun = '', ...rest]: string[]): string {
  const words = [noun];
  for (const [index, word] of rest.entries()) {
    const isVerb =
      index === 0 &&
      /^[a-z-]+[.,;:)]?$/.test(word) &&
      !/^(reconcile|status|top|doctor|autoscale|size|token)/.test(noun);
    const isValue = /^--/.test(rest[index - 1] ?? '') && /^[A-Z0-9<]/.test(word);
    if (!isVerb && !isValue && !/^(<|--|\$\{)/.test(word)) break;
    words.push(word);
  }
  return words.join(' ').replaceAll(/[.,;:)]+(?= |$)/g, '');
}

/** Placeholders as a person fills them in; a `…` leaves the rest open. */
const filledIn = (command: string): string[] =>
  command
    .replace(/…|\.\.\..*$| \|.*$|\\n.*$/, '')
    .replaceAll(/\$\{verb\}/g, 'archive')
    .replaceAll(/\$\{[^}]+\}/g, 'spring-sale')
    .replaceAll(/<id>|\bN\b/g, '17')
    .replaceAll(/<[^>]+>/g, 'spring-sale')
    .split(' ')
    .filter((word) => word !== '');

const texts = sources('.md', '.yml', '.yaml').filter((path) => !path.startsWith('node_modules'));
const code = sources('.ts', '.mjs', '.js').filter((path) => !path.startsWith('test/'));
const printed = [...texts.flatMap(inText), ...code.flatMap(inCode)];

test('every command line of alerts, documents and messages is one that the command line takes', () => {
  expect(printed.length).toBeGreaterThan(40);
  const rejected = printed.flatMap(({ where, command }) => {
    const read = readCommand(filledIn(command));
    return read.kind === 'problems' ? [`${where}: sluice ${command}: ${read.problems.join(' ')}`] : [];
  });
  expect(rejected, 'mend the text, or teach the command line').toEqual([]);
});

test('alerts and the runbook are among them, and each of their commands stands between backticks', () => {
  for (const path of ['otel/alerts.yml', 'docs/runbook.md', 'README.md', 'deploy/compose.md']) {
    expect(printed.filter(({ where }) => where === path).length, path).toBeGreaterThan(1);
    const bare = read(path)
      .replaceAll(/`[^`]*`/g, '')
      .replaceAll(new RegExp(`^${BEFORE} .*$`, 'gm'), '');
    expect([...bare.matchAll(new RegExp(`\\bsluice ${NOUN}\\b.*`, 'g'))].map(([found]) => found)).toEqual([]);
  }
});

test('what such a test must find is found', () => {
  const bad = ['dead-letters list spring-sale', 'campaign show', 'campaign frobnicate x', 'doctor redis'];
  for (const command of bad) expect(readCommand(filledIn(command)).kind, command).toBe('problems');
  expect(commandOf('campaign create <id> --stock N makes one.'.split(' '))).toBe('campaign create <id> --stock N');
  expect(commandOf('reconcile <campaign>; then'.split(' '))).toBe('reconcile <campaign>');
});
