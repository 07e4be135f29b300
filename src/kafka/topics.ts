// The topic of tickets: made when a worker starts and it is not there.
import type { Admin } from '@platformatic/kafka';
import type { KafkaConfig } from '../config/kafka.ts';

/** Several workers may start at once: whoever comes second finds it made. Rejects when it can be neither found nor made. */
export async function ensureTopic(admin: Admin, { topic, partitions, replication }: KafkaConfig): Promise<void> {
  const isThere = async () => (await admin.listTopics()).includes(topic);
  if (await isThere()) return;
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas: replication });
  } catch (error) {
    if (!(await isThere())) throw error;
  }
}
