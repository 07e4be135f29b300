// Whether a gate may sell, and opening one that its server may have forgotten and that was found whole.
import type { Campaign } from '../../domain/campaign.ts';
import { chunks } from '../../domain/chunks.ts';
import { limits } from '../../process/limits.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { type Read, readWhole } from '../../redis/reads.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import { runIdsOf } from '../../redis/server-runs.ts';
import type { GateHolds, GateState, GateStates, StateOnServer } from '../states-port.ts';
import { createGate, settingsOfGate } from './gate.ts';
import { MARK_FIELDS } from './gate-marks.ts';

const state = loadScript('gate-state');
const promote = loadScript('promote');

/** A server that has fewer than `replicasMin` is not believed when it says that a gate needs to be opened. */
export function createGateStates(redis: RedisClient, replicasMin: number): GateStates {
  const gate = createGate(redis);
  async function stateOn(campaign: Pick<Campaign, 'id' | 'epoch' | 'shards'>): Promise<StateOnServer> {
    const names = [keys.gate(campaign.id), keys.free(campaign.id), ...keys.works(campaign)];
    const told = await runScript(redis, state, names, [campaign.epoch, replicasMin]).catch(rethrow);
    const [found, server, ...held] = told as [GateState, string, ...(string | number)[]];
    return found === 'unverified' ? { state: found, server, holds: holdsOf(held) } : { state: found, server };
  }
  /** Part by part: the commands and replies of ten thousand gates at once are memory that a process does not give back. */
  async function fieldsOf(campaigns: readonly { id: string }[], fields: readonly string[]) {
    const told: (string | null)[][] = [];
    for (const some of chunks(campaigns, limits.campaignsPerRead)) {
      const reads = some.map(({ id }): Read => ['hmget', keys.gate(id), ...fields]);
      told.push(...((await readWhole(redis, reads)) as (string | null)[][]));
    }
    return told;
  }
  return {
    state: async (campaign) => (await stateOn(campaign)).state,
    stateOn,
    async closedAmong(campaigns) {
      if (campaigns.length === 0) return [];
      const runs = await runIdsOf(redis);
      const told = await fieldsOf(campaigns, ['epoch', 'run_id']);
      return campaigns.filter(({ epoch }, index) => {
        const [itsEpoch, run] = told[index]!;
        return itsEpoch !== String(epoch) || !runs.has(run ?? '');
      });
    },
    marksOf: async (campaigns) => (await fieldsOf(campaigns, MARK_FIELDS)).map((mark) => JSON.stringify(mark)),
    project: (campaign) => gate.project(campaign, false),
    async promote(campaign, to, server) {
      const { id } = campaign;
      const args = [campaign.epoch, to, server, campaign.version, id, ...settingsOfGate(campaign)];
      return (await runScript(redis, promote, [keys.gate(id), keys.turns(id)], args).catch(rethrow)) as number;
    },
  };
}

/** A field that is no number compares with nothing: such a gate is not found whole. */
function holdsOf(told: readonly (string | number)[]): GateHolds {
  const [seq, settledCount, cancelledCount, stock, nextUnit, freeCount, entryCount] = told.map(Number) as number[];
  const remaining = Math.max(0, stock! - nextUnit!) + freeCount!;
  return {
    ...{ seq: seq!, settledCount: settledCount!, cancelledCount: cancelledCount!, stock: stock! },
    ...{ givenCount: stock! - remaining, entryCount: entryCount! },
  };
}
