import { expect, test } from 'vitest';
import { type AdvertisedBroker, listenerProblem } from '../../../src/kafka/listeners.ts';

const at = (host: string, port = 9092) => ({ host, port });
const broker = (host: string, unreached?: string): AdvertisedBroker => ({ id: 1, ...at(host), unreached });

test('brokers that are reached where they say that they are have no problem', () => {
  expect(listenerProblem([broker('kafka-1'), broker('kafka-2')], [at('kafka-1')])).toBeUndefined();
  expect(listenerProblem([broker('localhost')], [at('127.0.0.1')])).toBeUndefined();
});

test('a broker that is where the configuration says, and does not answer, is away: that is no mistake', () => {
  expect(listenerProblem([broker('kafka-1', 'no broker listens')], [at('kafka-1')])).toBeUndefined();
});

test.for(['127.0.0.1', 'localhost', '::1'])('%s is a mistake where the configuration names another machine', (host) => {
  // Something else may listen there.
  expect(listenerProblem([broker(host)], [at('kafka.example')])).toMatchObject({
    isLasting: true,
    found: expect.stringMatching(/at kafka\.example:9092, .* its own machine/),
    remedy: expect.stringContaining('PLAINTEXT://kafka.example:9092'),
  });
});

test('a name that only the network of the brokers knows is a mistake, which a change there may repair', () => {
  expect(listenerProblem([broker('kafka', 'the host name cannot be resolved')], [at('localhost', 9094)])).toMatchObject(
    {
      isLasting: false,
      found:
        'Kafka answers at localhost:9094, and says that its brokers are at kafka:9092: from here, the host name cannot be resolved',
    },
  );
});
