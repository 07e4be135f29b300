// What other services have not been told yet: the outbox of the ledger.
import type { Config } from '../config/config.ts';
import { createOutbox } from '../ledger/outbox.ts';
import type { Ledger } from '../ledger/pool.ts';
import { limits } from '../process/limits.ts';
import { type Fact, type Finding, factOf, judged, ok, warning } from './finding.ts';

/** Nothing where no service is told and nothing waits. Never rejects. */
export async function examineOutbox(ledger: Ledger, { kafka }: Pick<Config, 'kafka'>): Promise<Finding[]> {
  return judgeOutbox(await factOf(() => createOutbox(ledger).size()), kafka?.issuancesTopic);
}

/** Exported for its tests. `topic` is KAFKA_ISSUANCES_TOPIC. */
export function judgeOutbox(size: Fact<{ entries: number; oldestMs: number }>, topic: string | undefined): Finding[] {
  const check = 'outbox';
  if (topic === undefined) {
    // Without a table of that name there is nothing to tell.
    if ('untold' in size || size.told.entries === 0) return [];
    return [
      warning(check, {
        found: `${waiting(size.told)}, and KAFKA_ISSUANCES_TOPIC is not set`,
        means: 'other services do not learn what happened to these tickets until it is set again',
        remedy:
          'set KAFKA_ISSUANCES_TOPIC on fronts and workers; when no service needs them any more, delete the rows of table outbox',
      }),
    ];
  }
  return [
    judged(check, size, (told) => {
      if (told.oldestMs <= limits.backlogStandsMs) return ok(check, `${waiting(told)} (topic ${topic})`);
      return warning(check, {
        found: `${waiting(told)} (topic ${topic})`,
        means: 'other services learn late which tickets were issued and cancelled',
        remedy:
          'docs/runbook.md, "Other services wait": a worker sends the entries, and its log says what Kafka refuses',
      });
    }),
  ];
}

const waiting = ({ entries, oldestMs }: { entries: number; oldestMs: number }): string =>
  entries === 0
    ? '0 entries wait'
    : `${entries} entries of 1 to 500 tickets wait, the oldest for ${Math.round(oldestMs / 1_000)} s`;
