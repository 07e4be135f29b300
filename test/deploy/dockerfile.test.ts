import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runningFront } from '../cli/running-front.ts';
import { ran } from '../cli/sluice.ts';
import { ROOT } from '../helpers/root.ts';

const front = runningFront();
const text = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const of = (instruction: string) => lines.filter((line) => line.startsWith(`${instruction} `));

test('the image is built in stages on the Node of the dependencies, without what only development needs', () => {
  expect(of('FROM')).toEqual(['FROM node:26-slim AS packages', 'FROM node:26-slim']);
  expect(of('RUN').join()).toMatch(/npm ci --omit=dev --omit=optional/);
});

test('what is copied exists, and it is all that the programs import', () => {
  const copied = of('COPY')
    .filter((line) => !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
  for (const path of copied) expect(existsSync(join(ROOT, path)), path).toBe(true);
  expect(copied).toEqual(expect.arrayContaining(['src', 'workers', 'lua', 'package.json', 'package-lock.json']));
});

test('process 1 is node on a program that exists, and not as root', () => {
  const [command = ''] = of('CMD');
  const [program, file] = JSON.parse(command.slice('CMD '.length)) as string[];
  expect([program, existsSync(join(ROOT, file!))]).toEqual(['node', true]);
  expect(of('USER')).toEqual(['USER node']);
  expect(of('ENTRYPOINT')).toEqual([]);
});

test('the health check says what is so', async () => {
  const [, check = ''] = of('HEALTHCHECK')[0]!.split(' CMD ');
  const [, ...args] = JSON.parse(check) as string[];
  const PATH = process.env.PATH;
  expect((await ran(process.execPath, args, { PATH, PORT: new URL(front.url).port })).code).toBe(0);
  expect((await ran(process.execPath, args, { PATH, PORT: '9' })).code).toBe(1);
});

test('the health check of compose.yaml tells success, refusal and silence apart', async () => {
  const answers = async (address: string) =>
    ran(process.execPath, ['deploy/answers.mjs', address], { PATH: process.env.PATH });
  expect((await answers(`${front.url}/readyz`)).code).toBe(0);
  const refused = await answers(`${front.url}/nowhere`);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('answered 404')]);
  const silent = await answers('http://127.0.0.1:9/');
  expect([silent.code, silent.err]).toEqual([1, expect.stringContaining('does not answer')]);
});
