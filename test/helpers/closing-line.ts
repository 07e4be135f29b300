// Ends every run with one line for machines: `N passed, N failed`, with `, N skipped` when there are any.
import type { Reporter, TestModule } from 'vitest/node';

/** Counts of test cases; a file or suite that broke outside of its tests counts as one failure. */
interface RunCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The reporter. Its line is written when the process ends, because the default reporter and the teardown print late. */
export function closingLine(): Reporter {
  let counts: RunCounts = { passed: 0, failed: 0, skipped: 0 };
  return {
    onInit: () => {
      process.once('exit', (exitCode) => {
        // Without a test to blame: the global setup failed, no file was found, the run was interrupted.
        if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
        process.stdout.write(`${lineOf(counts)}\n`);
      });
    },
    onTestRunEnd: (modules, unhandledErrors) => {
      counts = countsOf(modules);
      counts.failed += unhandledErrors.length;
    },
  };
}

function countsOf(modules: readonly TestModule[]): RunCounts {
  const counts: RunCounts = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      // A test that never got its turn (the run was cancelled) has proved nothing, as one that was skipped.
      const { state } = test.result();
      counts[state === 'pending' ? 'skipped' : state] += 1;
    }
    for (const place of [module, ...module.children.allSuites()]) if (place.errors().length > 0) counts.failed += 1;
  }
  return counts;
}

function lineOf({ passed, failed, skipped }: RunCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
