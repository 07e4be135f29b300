// What a front reads of gates to remember campaigns.
import { type SpanClock, spanClock } from '../../domain/clock.ts';
import type { RedisClient } from '../../redis/connection.ts';
import type { ReadAdmittedTags, ReadCancelledTags, ReadChangedGates, ReadEachGate } from '../port.ts';
import { createAdmittedTagsReader } from './admitted-tags.ts';
import { createChangedGateReader } from './changed-gates.ts';
import { createEachGateReader } from './gate-reader.ts';
import { createCancelledTagsReader } from './returns.ts';

export interface FrontReaders {
  readGates: ReadEachGate;
  readChanged: ReadChangedGates;
  readAdmittedTags: ReadAdmittedTags;
  readCancelledTags: ReadCancelledTags;
}

export const createFrontReaders = (redis: RedisClient, now: SpanClock = spanClock): FrontReaders => ({
  readGates: createEachGateReader(redis, now),
  readChanged: createChangedGateReader(redis, now),
  readAdmittedTags: createAdmittedTagsReader(redis),
  readCancelledTags: createCancelledTagsReader(redis),
});
