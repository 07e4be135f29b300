import { expect, test } from 'vitest';
import { readArguments } from '../../src/load/arguments.ts';

const read = (argv: string[], environment = {}) => readArguments(argv, environment);

test('a shape alone takes the defaults, and the environment is the next choice after an option', () => {
  expect(read(['peak'])).toMatchObject({
    arguments: { what: 'peak', size: { scale: 1, length: 1 }, out: '.data/load', json: false, countsOnly: false },
  });
  const environment = { SCALE: '0.5', LENGTH: '2', LOAD_WEBHOOK_URL: 'http://127.0.0.1/hook' };
  expect(read(['weekly', '--length', '0.1'], environment)).toMatchObject({
    arguments: { size: { scale: 0.5, length: 0.1 }, webhook: 'http://127.0.0.1/hook' },
  });
});

test('a service on this machine is a target, and no other is', () => {
  const admin = { ADMIN_URL: 'http://127.0.0.1:8081' };
  for (const target of ['http://127.0.0.1:8080', 'http://localhost:1', 'http://[::1]:8080', 'http://127.1.2.3'])
    expect(read(['smoke', '--target', target], admin)).toMatchObject({ arguments: { target: { url: target } } });
  for (const target of ['http://shop.example', 'http://10.0.0.1', 'http://127.0.0.1.example', 'ftp://127.0.0.1', ''])
    expect(read(['smoke', '--target', target], admin)).toMatchObject({ kind: 'problems' });
  expect(read(['smoke', '--target', 'http://127.0.0.1'], { ADMIN_URL: 'http://admin.example' })).toMatchObject({
    problems: [expect.stringContaining('--admin-url')],
  });
});

test('everything that is wrong is said at once', () => {
  const argv = ['none', '--scale', '0x1', '--length', '11', '--processes', '0', '--webhook', 'x', '--loud', '--out'];
  expect(read(argv)).toMatchObject({ problems: { length: 7 } });
  expect(read([])).toMatchObject({ problems: [expect.stringContaining('give one of smoke, stress, peak')] });
  expect(read(['peak', 'soak'])).toMatchObject({ kind: 'problems' });
});

test('help names each shape', () => {
  expect(read(['--help'])).toMatchObject({ text: expect.stringContaining('browser-crowd') });
});
