// A program with private services, for tests that kill it: `node parent.ts <data folder> [<search path>]`.
import { delimiter } from 'node:path';
import { startLocalServices } from '../../src/local/services.ts';

const [dataDir = '', searchPath] = process.argv.slice(2);
const asked = new Promise<void>((stop) => process.once('SIGTERM', () => stop()));
const services = await startLocalServices({
  dataDir,
  redis: true,
  database: true,
  report: (line) => console.error(line),
  ...(searchPath === undefined ? {} : { searchPath: searchPath.split(delimiter) }),
});
console.log(JSON.stringify({ redisUrl: services.redisUrl, databaseUrl: services.databaseUrl }));
// Something has to keep the process: a promise alone does not.
const clock = setInterval(() => undefined, 60_000);
await asked;
clearInterval(clock);
await services.close();
