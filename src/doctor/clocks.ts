// Whether the three clocks agree: Redis's opens and closes sales, ours and MySQL's date what people see. Pure.
import { limits } from '../limits.ts';
import { broken, type ClockReading, type Fact, type Finding, ok, warning } from './finding.ts';

/** The widest gap that is certain, whatever the answers took on their way; nothing when neither told the time. */
export function judgeClocks(redis: Fact<ClockReading>, ledger: Fact<ClockReading>): Finding[] {
  const clocks = [
    { name: 'this process', fact: { told: { aheadMs: 0, doubtMs: 0 } } as Fact<ClockReading> },
    { name: 'Redis', fact: redis },
    { name: 'the database', fact: ledger },
  ].flatMap(({ name, fact }) => ('told' in fact ? [{ name, ...fact.told }] : []));
  if (clocks.length === 1) return [];
  const gaps = clocks.flatMap((late) =>
    clocks.map((early) => ({
      text: `${early.name} is ahead of ${late.name}`,
      ms: early.aheadMs - late.aheadMs - early.doubtMs - late.doubtMs,
    })),
  );
  const widest = gaps.reduce((most, gap) => (gap.ms > most.ms ? gap : most));
  if (widest.ms < limits.clockGapMs) {
    return [ok('clocks', `${clocks.map(({ name }) => name).join(', ')}: within ${limits.clockGapMs / 1_000} s`)];
  }
  const words = {
    found: `${widest.text} by ${(widest.ms / 1_000).toFixed(1)} s`,
    means: "sales open and close by Redis's clock, and waits and ages that people are told are wrong by the gap",
    remedy: 'run chrony or systemd-timesyncd on every machine, and look again',
  };
  return [widest.ms < limits.clockGapMaxMs ? warning('clocks', words) : broken('clocks', words)];
}
