// What the facts of Kafka mean. Pure.
import type { KafkaConfig } from '../config/kafka.ts';
import type { Obstacle } from '../domain/obstacle.ts';
import { listenerProblem, shown } from '../kafka/listeners.ts';
import type { Rights } from '../kafka/rights.ts';
import { type TopicWish, topicProblems } from '../kafka/topic-rules.ts';
import { broken, type Fact, type Finding, judged, ok, unknown, warning } from './finding.ts';
import type { KafkaFacts } from './kafka-facts.ts';

/** A finding for each check. Nothing is judged behind the brokers' addresses where those are wrong: no question gets there. */
export function judgeKafka(facts: KafkaFacts | Obstacle, kafka: KafkaConfig): Finding[] {
  if ('what' in facts) return [unreached(facts, kafka)];
  const { brokers } = facts;
  const reached = ok('kafka', `answers; brokers ${brokers.map(({ id }) => id).join(', ')}`);
  const listeners = judgeListeners(facts, kafka);
  if (listeners.status === 'broken') return [reached, listeners];
  return [
    reached,
    listeners,
    judgeTopic('kafka-topic', facts.topic, kafka),
    judgeRights(facts, kafka),
    judgeLag(facts, kafka),
    ...judgeIssuances(facts, kafka),
  ];
}

const unreached = ({ what, cure }: Obstacle, { brokers }: KafkaConfig): Finding => ({
  ...unknown('kafka', 'no connection'),
  means: `${brokers.map(shown).join(',')}: ${what}`,
  remedy: cure,
});

function judgeListeners({ brokers }: KafkaFacts, kafka: KafkaConfig): Finding {
  const check = 'kafka-listeners';
  const wrong = listenerProblem(brokers, kafka.brokers);
  if (wrong !== undefined) return broken(check, wrong);
  const away = brokers.filter(({ unreached }) => unreached !== undefined);
  if (away.length === 0)
    return ok(check, `every broker is reached where it says that it is: ${list(brokers.map(shown))}`);
  return warning(check, {
    found: `${list(away.map(shown))}: ${away[0]!.unreached}`,
    means: 'the partitions that this broker leads wait until another broker leads them',
    remedy: 'start that broker again',
  });
}

/** `wish` names the topic, and says what it has to be like. */
function judgeTopic(check: string, topic: KafkaFacts['topic'], wish: TopicWish): Finding {
  return judged(check, topic, (facts) => {
    if (facts === undefined) return ok(check, `topic ${wish.topic} is not there yet: the first worker creates it`);
    const [gravest] = topicProblems(facts, wish);
    if (gravest !== undefined) return (gravest.status === 'broken' ? broken : warning)(check, gravest);
    if (facts.settings === undefined)
      return unknown(check, `this user may not read the settings of topic ${wish.topic}`);
    return ok(check, `topic ${wish.topic}: ${facts.partitions} partitions, copies: ${facts.copies}`);
  });
}

const NEEDED: Rights['topic'][] = ['Describe', 'Read', 'Write'];

function judgeRights({ topicRights, group }: KafkaFacts, kafka: KafkaConfig): Finding {
  const check = 'kafka-rights';
  const missing = [
    ...missingOf(topicRights, NEEDED).map((right) => `${right} on topic ${kafka.topic}`),
    ...('told' in group && !group.told.rights.has('Read') ? [`Read on group ${kafka.group}`] : []),
  ];
  if (missing.length > 0) {
    return broken(check, {
      found: `this user lacks ${list(missing)}`,
      means: 'the relay cannot send tickets, or workers cannot receive them',
      remedy: 'as an administrator: kafka-acls.sh --add, with the rights that docs/kafka.md lists',
    });
  }
  return judged(check, topicRights, () =>
    judged(check, group, () => ok(check, 'this user may send, receive and commit')),
  );
}

function missingOf(fact: KafkaFacts['topicRights'], needed: readonly Rights['topic'][]): Rights['topic'][] {
  if ('untold' in fact || fact.told === undefined) return [];
  const { told } = fact;
  return needed.filter((right) => !told.has(right));
}

function judgeLag({ topic, lag, group }: KafkaFacts, kafka: KafkaConfig): Finding {
  const check = 'kafka-lag';
  if (isMissing(topic)) return ok(check, 'nothing was sent yet');
  return judged(check, lag, ({ records, worst }) => {
    const members = 'told' in group ? group.told.members : undefined;
    const found = `group ${kafka.group}: ${records} records behind, ${worst} in one partition; ${members ?? 'unknown'} members`;
    if (records === 0 || members !== 0) return ok(check, found);
    return warning(check, {
      found,
      means: 'no worker receives tickets from Kafka',
      remedy:
        'start workers with BROKER=kafka; with BROKER=redis workers issue these tickets from Redis, and the lag has no effect',
    });
  });
}

/** One line for the topic of other services: its rights, then what it is like. */
function judgeIssuances({ issuances }: KafkaFacts, kafka: KafkaConfig): Finding[] {
  if (issuances === undefined) return [];
  const check = 'kafka-issuances';
  const topic = kafka.issuancesTopic!;
  const missing = missingOf(issuances.topicRights, ['Describe', 'Write']);
  if (missing.length === 0) return [judgeTopic(check, issuances.topic, { ...kafka, topic })];
  return [
    broken(check, {
      found: `this user lacks ${list(missing)} on topic ${topic}`,
      means: 'workers cannot tell other services what was issued and cancelled',
      remedy: 'as an administrator: kafka-acls.sh --add, with the rights that docs/kafka.md lists',
    }),
  ];
}

const isMissing = (topic: Fact<unknown>): boolean => 'told' in topic && topic.told === undefined;

const list = (names: readonly string[]): string => names.join(', ');
