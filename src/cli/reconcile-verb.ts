// Comparing what the stores say of a campaign, and building its gate anew.
import type { TopicLag } from '../domain/service-status.ts';
import { visible } from '../domain/text.ts';
import { lagWords } from './present-status.ts';
import type { Verb } from './verb.ts';

interface Reconciliation {
  campaign: string;
  counts: Record<string, number>;
  examples: { kind: string; unit?: number; epoch?: number; seq?: number; detail?: string }[];
  kafka?: TopicLag;
}

const MEANING: Record<string, string> = {
  'gate-closed': 'the gate is missing, damaged or not verified yet; a worker opens it',
  'settings-differ': 'gate and ledger have different settings; --repair gives the gate those of the ledger',
  'holder-unknown': 'the ledger has a row for this user, and the gate does not know the user',
  'unit-differs': 'gate and ledger name different units for the same user',
  'issued-without-row': 'the gate says issued, and the ledger has no row',
  'unit-held-and-free': 'a buyer holds this unit, and it is for sale again',
  'unit-unaccounted': 'the gate gave this unit out; no buyer holds it, and no buyer can get it',
  'retry-without-job': 'the gate waits for a retry, and the retry queue has no job for it',
  'failed-without-letter': 'the gate says failed, and there is no dead letter',
  'ticket-lost': 'Redis lost this ticket; its holder gets the place back by polling it',
};

export const RECONCILE_VERB: Verb = {
  noun: 'reconcile',
  name: '',
  takes: 'campaign',
  needs: [],
  may: ['repair'],
  help: 'Compare what gate, streams, retries and ledger say about a campaign. --repair rebuilds the gate from the ledger.',
  request: ([id], { repair }) => ({
    method: repair === true ? 'POST' : 'GET',
    path: `/admin/campaigns/${id}/reconcile`,
  }),
  show: (body, { request }) => {
    const found = body as Reconciliation;
    return `${lines(found, request.method === 'POST')}${kafkaLine(found)}`;
  },
};

/** Beside the comparison: what waits in Kafka waits in the gate too, so that a lag is no difference. */
function kafkaLine({ kafka }: Reconciliation): string {
  if (kafka === undefined) return '';
  const of = `of group ${kafka.group} on topic ${kafka.topic}, all campaigns`;
  return kafka.records === null
    ? `Kafka: the lag ${of}, is unknown: ${visible(kafka.problem ?? '')}\n`
    : `Kafka: ${lagWords(kafka.records)} (${of})\n`;
}

function lines({ campaign, counts, examples }: Reconciliation, isRepair: boolean): string {
  const rebuilt = isRepair
    ? `Rebuilt the gate of ${campaign} from the ledger. For RECOVERY_GRACE_MS only holders of lost tickets can join.\n`
    : '';
  const kinds = Object.entries(counts);
  if (kinds.length === 0) return `${rebuilt}${campaign}: gate, streams, retries and ledger agree.\n`;
  const told = kinds.flatMap(([kind, count]) => [
    `${count} × ${kind}: ${MEANING[kind] ?? 'no explanation'}`,
    ...examples.filter((example) => example.kind === kind).map(example),
  ]);
  const next = isRepair ? '' : `Next: to rebuild the gate from the ledger, run sluice reconcile ${campaign} --repair\n`;
  return `${rebuilt}${told.join('\n')}\n${next}`;
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
