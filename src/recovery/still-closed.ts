// Whether gates are still closed that a look at many has found closed: other workers open them meanwhile.
import type { StoredCampaign } from '../domain/campaign.ts';
import { hasGate } from '../domain/campaign-life.ts';
import type { GateStates } from '../gate/states-port.ts';
import { limits } from '../process/limits.ts';
import { together } from '../process/together.ts';

export interface StillClosedDeps {
  gates: Pick<GateStates, 'closedAmong'>;
  ledger: { get: (campaign: string) => Promise<StoredCampaign | undefined> };
}

/**
 * Returns how to ask about the gate of a campaign, its streams not looked at; questions of one moment are one read of up to
 * `limits.recoveriesMax` gates. What cannot be read counts as closed: a recovery looks at it again.
 */
export function askingWhetherClosed({ gates, ledger }: StillClosedDeps): (campaign: string) => Promise<boolean> {
  const ask = together<string, boolean>({
    countMax: limits.recoveriesMax,
    many: async (ids) => {
      const found = await Promise.all(ids.map(ledger.get));
      const gated = found.flatMap((campaign) => (campaign && hasGate(campaign) ? [campaign] : []));
      const closed = new Set((await gates.closedAmong(gated)).map(({ id }) => id));
      return ids.map((id) => closed.has(id));
    },
    isShared: () => true,
  });
  return (campaign) => ask(campaign).catch(() => true);
}
