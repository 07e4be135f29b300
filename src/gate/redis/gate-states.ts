// Whether a gate may sell, and opening one that its server may have forgotten and that was found whole.
import type { Campaign } from '../../domain/campaign.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { GateState, GateStates } from '../port.ts';
import { createGate, settingsOfGate } from './gate.ts';

const state = loadScript('gate-state');
const promote = loadScript('promote');

/** A server that has fewer than `replicasMin` is not believed when it says that a gate needs to be opened. */
export function createGateStates(redis: RedisClient, replicasMin: number): GateStates {
  const gate = createGate(redis);
  async function stateOn(campaign: Pick<Campaign, 'id' | 'epoch' | 'shards'>) {
    const names = [keys.gate(campaign.id), ...keys.works(campaign)];
    const told = await runScript(redis, state, names, [campaign.epoch, replicasMin]).catch(rethrow);
    const [found, server] = told as [GateState, string];
    return { state: found, server };
  }
  return {
    state: async (campaign) => (await stateOn(campaign)).state,
    stateOn,
    project: (campaign) => gate.project(campaign, false),
    async promote(campaign, to, server) {
      const { id } = campaign;
      const args = [campaign.epoch, to, server, campaign.version, id, ...settingsOfGate(campaign)];
      return (await runScript(redis, promote, [keys.gate(id), keys.turns(id)], args).catch(rethrow)) as number;
    },
  };
}
