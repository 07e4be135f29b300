// Many open campaigns: `npm run bench:campaigns [-- --open 1,1000,10000 --checkout <folder>]` measures a front and a worker on
// stores of their own while nobody buys, and then the buyers of one more campaign. Another checkout is measured by the same
// program. With `--archived 100000` so many archived campaigns are there as well. Instead of that:
//   --waits    one buyer waits in each campaign, and no worker serves them
//   --beside   the numbers are tickets of a campaign that a worker drains, and the buyers those of another one
//   --kafka    Kafka carries the tickets; needs Java and Maven
//   --bullmq   the peer: a BullMQ queue and worker for each campaign
import { parseArgs } from 'node:util';
import { BESIDE_COLUMNS, measureBeside } from './campaigns/beside.ts';
import { BULLMQ_COLUMNS, measureBullmq } from './campaigns/bullmq.ts';
import { IDLE_COLUMNS, measureIdle } from './campaigns/idle.ts';
import { KAFKA_COLUMNS, measureKafka } from './campaigns/kafka.ts';
import { measureWaits, WAITS_COLUMNS } from './campaigns/waits.ts';
import { HERE } from './sluice.ts';

const { values } = parseArgs({
  options: {
    open: { type: 'string', default: '1,3000' },
    checkout: { type: 'string', default: HERE },
    archived: { type: 'string', default: '0' },
    waits: { type: 'boolean', default: false },
    beside: { type: 'boolean', default: false },
    kafka: { type: 'boolean', default: false },
    bullmq: { type: 'boolean', default: false },
  },
});

type Measure = (count: number, checkout: string) => Promise<string[]>;

function chosen(): [columns: string, measure: Measure] {
  if (values.waits) return [WAITS_COLUMNS, measureWaits];
  if (values.beside) return [BESIDE_COLUMNS, measureBeside];
  if (values.kafka) return [KAFKA_COLUMNS, measureKafka];
  if (values.bullmq) return [BULLMQ_COLUMNS, measureBullmq];
  return [IDLE_COLUMNS, (count, checkout) => measureIdle(count, checkout, Number(values.archived))];
}

const [columns, measure] = chosen();
console.log(columns);
for (const count of values.open.split(',').map(Number))
  console.log((await measure(count, values.checkout)).join(' | '));
