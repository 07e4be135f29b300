// What a buyer of a quiet campaign notices of another one whose backlog a worker drains.
import { startWorker } from '../sluice.ts';
import { type Bought, buy, fill, ms, untilFewer } from './buyers.ts';
import { openScene } from './scene.ts';

const BUYERS = 200;

export const BESIDE_COLUMNS =
  'backlog of the other campaign | of it left at the end | alone: join p95 ms | to issued p50 ms | p99 ms | beside: join p95 ms | to issued p50 ms | p99 ms | p99 ÷ alone';

export async function measureBeside(backlog: number, checkout: string): Promise<string[]> {
  await using scene = await openScene(0, checkout);
  const { front } = scene;
  for (const id of ['quiet', 'exploding']) await front.createCampaign({ id, stock: 10_000_000 });
  const first = startWorker(front, 'w');
  await buy(front, 'quiet', BUYERS, 'warm');
  const alone = await buy(front, 'quiet', BUYERS, 'alone');
  await first[Symbol.asyncDispose]();
  await fill(front, 'exploding', backlog);
  await using _worker = startWorker(front, 'w');
  await untilFewer(front, 'exploding', backlog);
  const beside = await buy(front, 'quiet', BUYERS, 'beside');
  const left = (await front.counts('exploding')).backlog;
  const told = ({ joinMs, issuedMs }: Bought) => [ms(joinMs, 0.95), ms(issuedMs, 0.5), ms(issuedMs, 0.99)];
  const ratio = Number(ms(beside.issuedMs, 0.99)) / Number(ms(alone.issuedMs, 0.99));
  return [String(backlog), String(left), ...told(alone), ...told(beside), ratio.toFixed(2)];
}
