// The topics of Sluice at a start: one that is missing is created, one that is there has to keep what is promised.
import { type Admin, ConfigResourceTypes } from '@platformatic/kafka';
import type { KafkaConfig } from '../config/kafka.ts';
import { Fault } from '../domain/fault.ts';
import { pause, RefusedStart } from '../process/lifecycle.ts';
import type { Log } from '../telemetry/log.ts';
import { listenerProblem, readAdvertised, shown } from './listeners.ts';
import { isKafkaError, kafkaObstacle } from './obstacles.ts';
import { settingsOf, type TopicFacts, type TopicWish, topicProblems } from './topic-rules.ts';

/** A topic that was created is known to every broker within this long, usually within 100 ms. */
const KNOWN_WITHIN_MS = 10_000;
const KNOWN_LOOK_MS = 100;

type Wish = TopicWish & Pick<KafkaConfig, 'brokers'>;

/**
 * Resolves with the number of partitions when the topic is there and as it should be; creates it where it is missing. Throws
 * one line: a RefusedStart for what lasts, a retryable Fault for what may pass. `log` takes what is not as it should be and
 * breaks no promise, and what this user may not read.
 */
export async function ensureTopic(admin: Admin, wish: Wish, log: Pick<Log, 'warn'>): Promise<number> {
  const advertised = await asked(wish, () => readAdvertised(admin));
  const wrong = listenerProblem(advertised, wish.brokers);
  if (wrong?.isLasting) throw new RefusedStart(`KAFKA_BROKERS: ${lineOf(wrong)}`);
  if (wrong !== undefined) log.warn(wrong, 'brokers');
  const facts = await asked(wish, async () => (await readTopic(admin, wish.topic)) ?? (await create(admin, wish)));
  if (facts.settings === undefined) log.warn(unreadable(wish.topic), 'topic');
  const problems = topicProblems(facts, wish);
  const broken = problems.filter(({ status }) => status === 'broken');
  for (const problem of problems) if (problem.status === 'warning') log.warn(problem, 'topic');
  if (broken.length > 0) {
    throw new RefusedStart(broken.map(lineOf).join('\n'));
  }
  return facts.partitions;
}

/** Undefined for a topic that is not there. Throws what the client throws. */
export async function readTopic(admin: Admin, topic: string): Promise<TopicFacts | undefined> {
  const found = await partitionsOf(admin, topic);
  if (found === undefined) return undefined;
  return {
    partitions: found.length,
    copies: Math.min(...found.map(({ replicas }) => replicas.length)),
    settings: await readSettings(admin, topic),
  };
}

async function partitionsOf(admin: Admin, topic: string) {
  try {
    return (await admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 })).topics.get(topic)?.partitions;
  } catch (error) {
    if (isKafkaError(error, `Unknown topic ${topic}`) || isKafkaError(error, 'UNKNOWN_TOPIC')) return undefined;
    throw error;
  }
}

async function readSettings(admin: Admin, topic: string): Promise<TopicFacts['settings']> {
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic };
  try {
    const [described] = await admin.describeConfigs({ resources: [resource] });
    return Object.fromEntries(described!.configs.map(({ name, value }) => [name, value ?? '']));
  } catch (error) {
    if (isKafkaError(error, '_AUTHORIZATION_FAILED')) return undefined;
    throw error;
  }
}

/** Of two workers that create it at once both find it there. */
async function create(admin: Admin, wish: TopicWish): Promise<TopicFacts> {
  const { topic, partitions, replication } = wish;
  const configs = Object.entries(settingsOf(wish)).map(([name, value]) => ({ name, value }));
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas: replication, configs });
  } catch (error) {
    if (!isKafkaError(error, 'TOPIC_ALREADY_EXISTS')) throw refusedCreation(error, wish);
  }
  for (const lookedFrom = performance.now(); ; ) {
    const facts = await readTopic(admin, topic);
    if (facts !== undefined) return facts;
    if (performance.now() - lookedFrom > KNOWN_WITHIN_MS) throw new Error(`no broker knows topic ${topic} yet`);
    await pause(KNOWN_LOOK_MS);
  }
}

function refusedCreation(error: unknown, wish: TopicWish): unknown {
  const { topic, partitions, replication } = wish;
  const settings = Object.entries(settingsOf(wish)).map(([name, value]) => ` --config ${name}=${value}`);
  const command = `kafka-topics.sh --bootstrap-server … --create --topic ${topic} --partitions ${partitions} --replication-factor ${replication}${settings.join('')}`;
  if (isKafkaError(error, '_AUTHORIZATION_FAILED')) {
    return new RefusedStart(
      `KAFKA_TOPIC: there is no topic ${topic}, and this user may not create it. Do: as an administrator, ${command}`,
    );
  }
  if (isKafkaError(error, 'INVALID_REPLICATION_FACTOR')) {
    return new RefusedStart(
      `KAFKA_REPLICATION: there are fewer than ${replication} brokers, so topic ${topic} was not created. Do: start more brokers, or set KAFKA_REPLICATION to their number; with 1, tickets wait while that broker is away`,
    );
  }
  if (isKafkaError(error, 'POLICY_VIOLATION') || isKafkaError(error, 'INVALID_CONFIG')) {
    return new RefusedStart(
      `KAFKA_TOPIC: a policy of the brokers forbids topic ${topic} as Sluice creates it. Do: create it as your policy allows, as near as you can to ${command}`,
    );
  }
  return error;
}

const unreadable = (topic: string) => ({
  found: `this user may not read the settings of topic ${topic}`,
  means: 'Sluice cannot see whether Kafka keeps tickets for long enough, and on enough brokers',
  remedy: `allow this user DescribeConfigs on topic ${topic}`,
});

const lineOf = ({ found, means, remedy }: { found: string; means: string; remedy: string }): string =>
  `${found}; ${means}. Do: ${remedy}`;

/** An error that is one of the way to the brokers is told in a line. */
async function asked<T>({ brokers }: Wish, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RefusedStart) throw error;
    const { what, cure, lasting } = kafkaObstacle(error);
    const line = `KAFKA_BROKERS, Kafka at ${brokers.map(shown).join(',')}: ${what}. Do: ${cure}`;
    throw lasting ? new RefusedStart(line) : new Fault('kafka-unavailable', line, { retryable: true, cause: error });
  }
}
