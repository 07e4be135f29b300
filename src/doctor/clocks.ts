// Whether the three clocks agree: Redis's opens and closes sales, ours lets bearer tokens expire and dates logs, MySQL's dates rows. Pure.
import { limits } from '../process/limits.ts';
import { broken, type ClockReading, type Fact, type Finding, ok, warning } from './finding.ts';

/** Half the round trip, and what the clocks may drift until a reading is too old to refuse anybody by. */
const frontErrorMs = ({ doubtMs }: ClockReading): number =>
  Math.ceil(doubtMs + limits.viewRefusalMs * limits.clockDriftShare);

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
    const names = clocks.map(({ name }) => name).join(', ');
    const known =
      'told' in redis ? `; a front on this machine knows the clock of Redis to ${frontErrorMs(redis.told)} ms` : '';
    return [ok('clocks', `${names}: within ${limits.clockGapMs / 1_000} s${known}`)];
  }
  const words = {
    found: `${widest.text} by ${(widest.ms / 1_000).toFixed(1)} s`,
    means:
      'sales open and close by the clock of Redis, bearer tokens expire by the clock of the front, and retries wait by the clocks of the workers, so these times and those in logs differ by the gap',
    remedy: 'run chrony or systemd-timesyncd on every machine, and look again',
  };
  return [widest.ms < limits.clockGapMaxMs ? warning('clocks', words) : broken('clocks', words)];
}
