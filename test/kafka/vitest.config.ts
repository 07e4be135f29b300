// `npm run test:kafka`: what needs a Kafka broker. test/kafka/main.ts runs it where a broker can be had.
import { defineConfig } from 'vitest/config';
import { closingLine } from '../helpers/closing-line.ts';
import { DEADLINES } from '../helpers/deadlines.ts';

export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/kafka/**/*.test.ts'],
    globalSetup: ['test/helpers/global-setup.ts', 'test/kafka/global-setup.ts'],
    setupFiles: ['test/helpers/own-lines.ts'],
    pool: 'forks',
    // Several brokers at once are more than two cores carry.
    maxWorkers: 1,
    ...DEADLINES,
    reporters: ['default', closingLine()],
  },
});
