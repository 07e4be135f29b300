// All that opens gates which Redis may have forgotten, behind one port.
import type { RedisClient } from '../../redis/connection.ts';
import type { GateBuilder } from '../port.ts';
import { createGateContents } from './gate-contents.ts';
import { createGateStates } from './gate-states.ts';
import { createGateLocks } from './locks.ts';
import { createRebuild } from './rebuild.ts';
import { createWorkStreams } from './work-streams.ts';

/** A server that has fewer than `replicasMin` is not believed when it says that a gate needs to be opened. */
export const createGateBuilder = (redis: RedisClient, replicasMin: number): GateBuilder => ({
  ...createGateStates(redis, replicasMin),
  ...createGateLocks(redis),
  ...createRebuild(redis),
  ...createWorkStreams(redis),
  ...createGateContents(redis),
});
