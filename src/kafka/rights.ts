// What the user of the configuration may do with topics and the group: the brokers say it, nothing is tried.
import { AclOperations, type Admin, type Broker, metadataV12 } from '@platformatic/kafka';
import { isKafkaError } from './obstacles.ts';

const { READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS } = AclOperations;

export interface Rights {
  topic: 'Read' | 'Write' | 'Describe' | 'DescribeConfigs';
  group: 'Read';
}

const TOPIC: [Rights['topic'], operation: number][] = [
  ['Describe', DESCRIBE],
  ['Read', READ],
  ['Write', WRITE],
  ['DescribeConfigs', DESCRIBE_CONFIGS],
];

/** Brokers without an authorizer, and those that do not say. */
const UNTOLD = -2_147_483_648;

/** What this user may do with the topic, in Kafka's names of ACL operations; undefined where the topic is not there. */
export async function topicRights(admin: Admin, topic: string): Promise<Set<Rights['topic']> | undefined> {
  try {
    const connection = await admin.connections.getFirstAvailable(await brokersOf(admin));
    const { topics } = await metadataV12.api.async(connection, [topic], false, true);
    return rightsIn(topics[0]!.topicAuthorizedOperations, TOPIC);
  } catch (error) {
    if (isKafkaError(error, 'TOPIC_AUTHORIZATION_FAILED')) return new Set();
    if (isKafkaError(error, 'UNKNOWN_TOPIC')) return undefined;
    throw error;
  }
}

/** What this user may do with the group, and how many members it has. */
export async function groupState(
  admin: Admin,
  group: string,
): Promise<{ rights: Set<Rights['group']>; members: number | undefined }> {
  try {
    const groups = await admin.describeGroups({ groups: [group], includeAuthorizedOperations: true });
    const { authorizedOperations, members } = groups.get(group)!;
    return { rights: rightsIn(authorizedOperations, [['Read', READ]]), members: members.size };
  } catch (error) {
    if (isKafkaError(error, 'GROUP_AUTHORIZATION_FAILED')) return { rights: new Set(), members: undefined };
    throw error;
  }
}

/** Bit n stands for the operation with that number. */
function rightsIn<Name extends string>(bits: number, all: readonly [Name, number][]): Set<Name> {
  return new Set(
    all.filter(([, operation]) => bits === UNTOLD || (bits & (1 << operation)) !== 0).map(([name]) => name),
  );
}

async function brokersOf(admin: Admin): Promise<Broker[]> {
  return [...(await admin.metadata({ topics: [] })).brokers.values()];
}
