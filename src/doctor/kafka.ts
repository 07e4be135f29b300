// The brokers of a configuration: asked, and judged.
import type { Config } from '../config/config.ts';
import type { Finding } from './finding.ts';
import { gatherKafkaFacts } from './kafka-facts.ts';
import { judgeKafka } from './kafka-judgement.ts';

/** Nothing where the configuration names no brokers. Never rejects. */
export async function examineKafka({ kafka }: Pick<Config, 'kafka'>): Promise<Finding[]> {
  return kafka === undefined ? [] : judgeKafka(await gatherKafkaFacts(kafka), kafka);
}
