import { expect, test } from 'vitest';
import { parseArguments } from '../../src/rehearsal/arguments.ts';

const parsed = (...argv: string[]) => {
  const result = parseArguments(argv);
  if (result.kind !== 'arguments') throw new Error(JSON.stringify(result));
  return result.arguments;
};
const problems = (...argv: string[]) => {
  const result = parseArguments(argv);
  return result.kind === 'problems' ? result.problems : [];
};

test('every argument has a default but the secrets and what the environment says', () => {
  expect(parsed()).toEqual({
    buyers: 20_000,
    stock: 5_000,
    rate: 2_000,
    repeat: 0.2,
    shards: 8,
    poll: 1,
    deadline: 120,
    json: false,
    quiet: false,
    keep: false,
  });
});

test('what is given replaces the default', () => {
  const given = parsed(
    '--buyers',
    '7',
    '--repeat=1',
    '--poll',
    '.5',
    '--admin-url',
    'https://a/b',
    '--json',
    '--seed',
    'x',
  );
  expect(given).toMatchObject({ buyers: 7, repeat: 1, poll: 0.5, adminUrl: 'https://a/b', json: true, seed: 'x' });
});

test('all problems are listed at once, each with what was expected', () => {
  const listed = problems(
    '--buyers',
    '0',
    '--rate',
    '1e3',
    '--repeat',
    '1.5',
    '--url',
    'ftp://x',
    '--what',
    '--json=1',
    'go',
  );
  expect(listed).toHaveLength(7);
  expect(listed.join('\n')).toMatch(/--buyers must be a whole number of buyers from 1 to 5000000 \(got "0"\)/);
  expect(listed.join('\n')).toMatch(/--rate must be .*joins\/s/);
  expect(listed.join('\n')).toMatch(/--repeat must be a share from 0 to 1/);
  expect(listed.join('\n')).toMatch(/--url must be a URL starting with http:\/\/ or https:\/\//);
  expect(listed.join('\n')).toMatch(/--what does not exist/);
  expect(listed.join('\n')).toMatch(/--json takes no value/);
  expect(listed.join('\n')).toMatch(/"go" is not an option/);
});

test('an argument without its value is a problem, and so is the name of an object’s own method', () => {
  expect(problems('--buyers')).toEqual([expect.stringMatching(/--buyers .*no value was given/)]);
  expect(problems('--constructor')).toEqual([expect.stringMatching(/--constructor does not exist/)]);
});

test('the help names every argument, whatever else was said', () => {
  const help = parseArguments(['--help', '--buyers', 'x']);
  expect(help.kind).toBe('help');
  const text = help.kind === 'help' ? help.text : '';
  for (const name of ['url', 'admin-token', 'database-url', 'inversion-max', 'seed', 'keep', 'quiet', 'deadline']) {
    expect(text).toContain(`--${name}`);
  }
});
