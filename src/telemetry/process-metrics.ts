// The numbers of the process itself, under the names of OpenTelemetry's conventions for Node.js with the unit behind.
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { limits } from '../process/limits.ts';
import { createHistogram, type Observe } from './histograms.ts';
import { counter, gauge } from './instruments.ts';

/** The timer whose lateness is measured; what it reports holds this time itself. */
const RESOLUTION_MS = 10;
const GC_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** `kind` of Node's `gc` entries (`perf_hooks.constants`). */
const GC_KINDS: Readonly<Record<number, string>> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };

/** Measures until it is disposed of. One call for each process. */
export function processMetrics(): Disposable {
  const stopped = [eventLoop(), collections()];
  gauge('process_memory_usage_bytes', 'Memory of the process (resident set)', () => process.memoryUsage.rss());
  gauge('v8js_memory_heap_used_bytes', 'Heap that V8 uses', () => process.memoryUsage().heapUsed);
  counter('process_cpu_time_seconds', 'CPU time of the process, by mode', () => {
    const { user, system } = process.cpuUsage();
    return [
      [user / 1e6, { cpu_mode: 'user' }],
      [system / 1e6, { cpu_mode: 'system' }],
    ];
  });
  return {
    [Symbol.dispose]: () => {
      for (const stop of stopped) stop();
    },
  };
}

/** Over the last full window: a scraper that resets what another one reads would hide a delay from it. */
function eventLoop(): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let seen: { p50: number; p99: number; max: number; busy: number } | undefined;
  let utilization = performance.eventLoopUtilization();
  delay.enable();
  const timer = setInterval(() => {
    const used = performance.eventLoopUtilization(utilization);
    utilization = performance.eventLoopUtilization();
    const late = (ns: number) => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1_000);
    seen = {
      p50: late(delay.percentile(50)),
      p99: late(delay.percentile(99)),
      max: late(delay.max),
      busy: used.utilization,
    };
    delay.reset();
  }, limits.eventLoopWindowMs);
  timer.unref();
  gauge('nodejs_eventloop_delay_p50_seconds', 'Median delay of the event loop in the last window', () => seen?.p50);
  gauge(
    'nodejs_eventloop_delay_p99_seconds',
    '99th percentile of the delay of the event loop in the last window',
    () => seen?.p99,
  );
  gauge('nodejs_eventloop_delay_max_seconds', 'Longest delay of the event loop in the last window', () => seen?.max);
  gauge(
    'nodejs_eventloop_utilization',
    'Share of the last window in which the event loop was busy, 0 to 1',
    () => seen?.busy,
  );
  return () => {
    clearInterval(timer);
    delay.disable();
  };
}

function collections(): () => void {
  const series = createHistogram({
    name: 'v8js_gc_duration_seconds',
    description: 'Time of garbage collections, by their type',
    unit: 's',
    boundaries: GC_SECONDS,
  });
  const byKind = new Map<number, Observe>(
    Object.entries(GC_KINDS).map(([kind, type]) => [Number(kind), series({ v8js_gc_type: type })]),
  );
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
      byKind.get(entry.detail.kind)?.(entry.duration / 1_000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
