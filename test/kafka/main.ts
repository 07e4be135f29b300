// `npm run test:kafka`: the tests of test/kafka, on a broker of their own or on that of KAFKA_BROKERS. What follows `--` is
// given to vitest. Where no broker can be had everything is skipped, and this program says so.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { kafkaPrograms } from './jars.ts';

const reason = process.env.KAFKA_BROKERS === undefined ? missing() : undefined;
if (reason === undefined) {
  const [vitest, config] = ['../../node_modules/vitest/vitest.mjs', 'vitest.config.ts'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const args = [vitest!, 'run', '--config', config!, ...process.argv.slice(2)];
  spawn(process.execPath, args, { stdio: 'inherit' }).once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  console.error('\nSKIPPED: no Kafka broker can be started here, so NOTHING was tested on Kafka.');
  console.error(`${reason}\n`);
  console.log('0 passed, 0 failed, 1 skipped');
}

function missing(): string | undefined {
  try {
    kafkaPrograms();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
