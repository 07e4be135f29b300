// Compares what the stores say of one campaign: gate, streams, retry queue and ledger. It reads beside the traffic, so a
// difference counts only when a second look, after what was under way has had its time, finds it again.

import { hasGate } from '../domain/campaign-life.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { type BookDeps, readBooks } from './books.ts';
import { type Difference, differencesOf } from './differences.ts';
import type { RecoverDeps } from './recover.ts';

export type ReconcileDeps = BookDeps & Pick<RecoverDeps, 'readGates'>;

/** Everything that two looks agree on, the gravest kinds first; undefined when the ledger has no such campaign. */
export async function reconcile(deps: ReconcileDeps, id: string): Promise<Difference[] | undefined> {
  const first = await compare(deps, id);
  if (first === undefined || first.length === 0) return first;
  await pause(limits.reconcileAgainMs);
  const again = new Set((await compare(deps, id))?.map(nameOf));
  return first.filter((difference) => again.has(nameOf(difference)));
}

const nameOf = ({ kind, unit, epoch, seq }: Difference): string => `${kind} ${unit} ${epoch} ${seq}`;

async function compare(deps: ReconcileDeps, id: string): Promise<Difference[] | undefined> {
  const campaign = await deps.ledger.get(id);
  if (campaign === undefined) return undefined;
  if (!hasGate(campaign)) return [];
  const state = await deps.gates.state(campaign);
  const [view] = await deps.readGates([id]);
  if (state !== 'verified' || view === undefined) return [{ kind: 'gate-closed', detail: state }];
  return differencesOf(campaign, view, await readBooks(deps, campaign, view));
}
