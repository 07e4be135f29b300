// Runs a script of k6/ without k6: its setup, some iterations of each scenario one after the other, its teardown and its
// summary. Prints, as one line of JSON, what did not hold, the samples of each metric, and the summary.
//
//   node test/deploy/k6-stand-in/run.ts <script> <iterations> [NAME=value…]
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { summaryOf } from './thresholds.ts';

const MODULES: Record<string, URL> = {
  k6: new URL('./k6.ts', import.meta.url),
  'k6/http': new URL('./http.ts', import.meta.url),
  'k6/metrics': new URL('./metrics.ts', import.meta.url),
  'k6/execution': new URL('./execution.ts', import.meta.url),
};
const [script = '', iterations = '1', ...settings] = process.argv.slice(2);
const state = { iteration: 0, startTime: 0, broken: [] as string[], samples: {} };
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
  options: {
    scenarios: Record<string, { exec: string; iterations?: number }>;
    thresholds: Record<string, string[]>;
  };
  setup: () => unknown;
  teardown: (data: unknown) => void;
  handleSummary: (data: unknown) => Record<string, string>;
}

const module = (await import(pathToFileURL(script).href)) as Script & Record<string, (data: unknown) => void>;
const { options } = module;
const data = module.setup();
for (const { exec, iterations: own } of Object.values(options.scenarios)) {
  state.startTime = Date.now();
  for (state.iteration = 0; state.iteration < (own ?? Number(iterations)); state.iteration += 1) module[exec]!(data);
}
module.teardown(data);
const metrics = summaryOf(state.samples, options.thresholds);
const summary = module.handleSummary({ metrics });
console.log(JSON.stringify({ broken: state.broken, samples: state.samples, metrics, summary }));
