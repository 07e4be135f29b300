// Runs a script of k6/ without k6: its setup, some iterations one after the other, its teardown. Prints, as one line of
// JSON, the checks that did not hold and the samples of each metric.
//
//   node test/deploy/k6-stand-in/run.ts <script> <iterations> [NAME=value…]
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const MODULES: Record<string, URL> = {
  k6: new URL('./k6.ts', import.meta.url),
  'k6/http': new URL('./http.ts', import.meta.url),
  'k6/metrics': new URL('./metrics.ts', import.meta.url),
  'k6/execution': new URL('./execution.ts', import.meta.url),
};
const [script = '', iterations = '1', ...settings] = process.argv.slice(2);
const state = { iteration: 0, broken: [] as string[], samples: {} as Record<string, unknown[]> };
Object.assign(globalThis, {
  __ENV: Object.fromEntries(settings.map((setting) => setting.split(/=(.*)/s).slice(0, 2))),
  k6StandIn: state,
});
registerHooks({
  resolve: (specifier, context, next) => {
    const standIn = MODULES[specifier];
    return standIn === undefined ? next(specifier, context) : { url: standIn.href, shortCircuit: true };
  },
});

interface Script {
  setup: () => unknown;
  default: (data: unknown) => void;
  teardown: (data: unknown) => void;
}

const { setup, default: iterate, teardown } = (await import(pathToFileURL(script).href)) as Script;
const data = setup();
for (; state.iteration < Number(iterations); state.iteration += 1) iterate(data);
teardown(data);
console.log(JSON.stringify({ broken: state.broken, samples: state.samples }));
