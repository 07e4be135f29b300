// Comparing what the stores say of a campaign, and building its gate anew.
import type { Verb } from './verbs.ts';

interface Reconciliation {
  campaign: string;
  counts: Record<string, number>;
  examples: { kind: string; unit?: number; epoch?: number; seq?: number; detail?: string }[];
}

const MEANING: Record<string, string> = {
  'gate-closed': 'the gate is missing, damaged or not verified; a worker opens it',
  'settings-differ': 'the gate has settings of a later version than the ledger, and takes no change',
  'holder-unknown': 'the ledger has a row of a user whom the gate does not know',
  'unit-differs': 'the gate tells another unit than the ledger has',
  'issued-without-row': 'the gate tells that it was issued, the ledger has no row',
  'unit-held-and-free': 'somebody holds it, and it is for sale again',
  'unit-unaccounted': 'it was given out, and nobody holds it or can buy it',
  'retry-without-job': 'the gate waits for a retry that is in no queue',
  'failed-without-letter': 'the gate tells of a failure that is no dead letter',
  'ticket-lost': 'Redis lost it; it comes back when its holder polls',
};

export const RECONCILE_VERB: Verb = {
  noun: 'reconcile',
  name: '',
  takes: 'campaign',
  needs: [],
  may: ['repair'],
  help: 'Compare gate, streams, retries and ledger of a campaign; --repair builds the gate anew from the ledger.',
  request: ([id], { repair }) => ({
    method: repair === true ? 'POST' : 'GET',
    path: `/admin/campaigns/${id}/reconcile`,
  }),
  show: (body) => lines(body as Reconciliation),
};

function lines({ campaign, counts, examples }: Reconciliation): string {
  const kinds = Object.entries(counts);
  if (kinds.length === 0) return `${campaign}: gate, streams, retries and ledger agree.\n`;
  const told = kinds.flatMap(([kind, count]) => [
    `${count} × ${kind}: ${MEANING[kind] ?? kind}`,
    ...examples.filter((example) => example.kind === kind).map(example),
  ]);
  return `${told.join('\n')}\n`;
}

function example({ unit, epoch, seq, detail }: Reconciliation['examples'][number]): string {
  const parts = [
    unit === undefined ? '' : `unit ${unit}`,
    epoch === undefined ? '' : `epoch ${epoch}`,
    seq === undefined ? '' : `seq ${seq}`,
    detail ?? '',
  ];
  return `  ${parts.filter((part) => part !== '').join(', ')}`;
}
