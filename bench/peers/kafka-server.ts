// Where the brokers of the bench are.
import type { KafkaServer } from '../../src/kafka/clients.ts';

/** Of `host:port`, several with commas between. */
export const serverAt = (brokers: string): KafkaServer => ({
  brokers: brokers.split(',').map((broker) => {
    const [host, port] = broker.split(':') as [string, string];
    return { host, port: Number(port) };
  }),
  tls: undefined,
  sasl: undefined,
});
