import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.ts';
import { ROOT } from '../helpers/root.ts';

interface ScaledObject {
  kind: string;
  spec: {
    scaleTargetRef: { name: string };
    minReplicaCount: number;
    maxReplicaCount: number;
    triggers: { type: string; metadata: Record<string, string> }[];
  };
}

const scaled = parse(readFileSync(join(ROOT, 'deploy/kubernetes/keda-kafka.yaml'), 'utf8')) as ScaledObject;
const { kafka } = readConfig({ BROKER: 'kafka', KAFKA_BROKERS: 'kafka:9092' });

test('the scaler counts the lag of the group that workers are in, on the topic that they read', () => {
  expect(scaled.kind).toBe('ScaledObject');
  const [{ type, metadata }] = scaled.spec.triggers as [ScaledObject['spec']['triggers'][0]];
  expect(type).toBe('kafka');
  expect(metadata).toMatchObject({ consumerGroup: kafka!.group, topic: kafka!.topic, offsetResetPolicy: 'earliest' });
  expect(Number(metadata.lagThreshold)).toBeGreaterThan(0);
  for (const value of Object.values(metadata)) expect(typeof value).toBe('string');
});

test('one worker is always there, and no more than there are partitions', () => {
  expect(scaled.spec.minReplicaCount).toBe(1);
  expect(scaled.spec.maxReplicaCount).toBeLessThanOrEqual(kafka!.partitions);
});
