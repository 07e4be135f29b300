// What a topic of tickets has to be like. Pure: the start of a worker and the doctor judge by the same rules.
import { limits } from '../process/limits.ts';

export interface TopicFacts {
  partitions: number;
  /** Of the partition with the fewest: replicas on different brokers. */
  copies: number;
  /** By name; undefined where this user may not read them. */
  settings: Readonly<Record<string, string>> | undefined;
}

export interface TopicWish {
  topic: string;
  /** When it is created. */
  partitions: number;
  /** When it is created, and the fewest of a topic that is there. */
  replication: number;
  /** When it is created, and the least of a topic that is there, ms. */
  retentionMs: number;
}

export interface TopicProblem {
  /** `broken`: a ticket could be refused or lost on its way; nothing starts with it. */
  status: 'broken' | 'warning';
  found: string;
  means: string;
  remedy: string;
}

/** Settings that the rules read, and that a topic is created with. */
export const settingsOf = ({ replication, retentionMs }: Pick<TopicWish, 'replication' | 'retentionMs'>) => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(retentionMs),
  'retention.bytes': '-1',
  'min.insync.replicas': String(insyncMin(replication)),
});

/** Copies that have a record before it counts as sent: one broker may go without stopping the sale or taking records along. */
const insyncMin = (replication: number): number => Math.max(1, Math.min(2, replication - 1));

/** Each problem once, the gravest first; empty when the topic is as it should be. */
export function topicProblems(facts: TopicFacts, wish: TopicWish): TopicProblem[] {
  const problems = [
    ...copyProblems(facts, wish),
    ...(facts.settings === undefined ? [] : settingProblems(facts, wish)),
  ];
  return problems.toSorted((a, b) => Number(a.status === 'warning') - Number(b.status === 'warning'));
}

function copyProblems({ copies }: TopicFacts, { topic, replication }: TopicWish): TopicProblem[] {
  if (copies >= replication) return [];
  return [
    {
      status: 'broken',
      found: `topic ${topic} has ${copies} of the ${replication} copies that KAFKA_REPLICATION asks for`,
      means: 'tickets of a partition wait while the brokers that have it are away',
      remedy: `add copies with kafka-reassign-partitions.sh, or set KAFKA_REPLICATION to ${copies}`,
    },
  ];
}

function settingProblems({ copies, settings = {} }: TopicFacts, wish: TopicWish): TopicProblem[] {
  const { topic, retentionMs } = wish;
  const value = (name: string) => settings[name] ?? '';
  const set = (name: string, to: string) =>
    `kafka-configs.sh --bootstrap-server … --alter --topic ${topic} --add-config ${name}=${to}`;
  const problems: TopicProblem[] = [];
  const problem = (name: string, means: string, to: string, status: TopicProblem['status'] = 'broken') =>
    problems.push({ status, found: `${name} of topic ${topic} is ${value(name)}`, means, remedy: set(name, to) });
  if (value('cleanup.policy').includes('compact')) {
    const means = 'Kafka compacts by key: it refuses tickets, which have none, and keeps one event of each campaign';
    problem('cleanup.policy', means, 'delete');
  }
  const retention = Number(value('retention.ms'));
  if (retention >= 0 && retention < retentionMs) {
    const hours = retentionMs / 3_600_000;
    problem('retention.ms', `Kafka may delete tickets before KAFKA_RETENTION_HOURS (${hours} h)`, String(retentionMs));
  }
  const messageBytes = Number(value('max.message.bytes') || limits.kafkaMessageBytesMin);
  if (messageBytes < limits.kafkaMessageBytesMin) {
    const to = String(limits.kafkaMessageBytesMin);
    problem('max.message.bytes', 'Kafka refuses the batches of the relay', to);
  }
  if (Number(value('retention.bytes')) >= 0) {
    problem(
      'retention.bytes',
      'a full partition loses its oldest tickets; the relay sends them again, late',
      '-1',
      'warning',
    );
  }
  const insync = Number(value('min.insync.replicas'));
  const least = insyncMin(Math.max(copies, wish.replication));
  if (insync > copies) {
    problem(
      'min.insync.replicas',
      `the topic has ${copies} ${copies === 1 ? 'copy' : 'copies'}: Kafka refuses every ticket`,
      String(insyncMin(copies)),
    );
  } else if (insync < least) {
    problem('min.insync.replicas', 'one broker that dies may take tickets along that count as sent', String(least));
  } else if (insync === copies && copies > 1) {
    problem('min.insync.replicas', 'one broker that is away stops every ticket', String(insyncMin(copies)), 'warning');
  }
  return problems;
}
