// The addresses under which brokers say they are. A client asks one of the brokers that the configuration names, and talks to
// all of them at the addresses of the answer: those of advertised.listeners, which may be right inside of a network only.
import type { Admin } from '@platformatic/kafka';
import type { KafkaAddress } from '../config/kafka.ts';
import { isLoopback } from '../domain/loopback.ts';
import { kafkaObstacle } from './obstacles.ts';

export interface AdvertisedBroker extends KafkaAddress {
  /** `node.id`. */
  id: number;
  /** Why no connection was made, in words; undefined where it was. */
  unreached: string | undefined;
}

/** Asks for the brokers, and connects to each where it says that it is. Throws what the client throws when none answers. */
export async function readAdvertised(admin: Admin): Promise<AdvertisedBroker[]> {
  const { brokers } = await admin.metadata({ topics: [], forceUpdate: true });
  return Promise.all(
    [...brokers].map(async ([id, { host, port }]) => {
      const unreached = await admin.connections.get({ host, port }).then(
        () => undefined,
        (error: unknown) => kafkaObstacle(error).what,
      );
      return { id, host, port, unreached };
    }),
  );
}

export interface ListenerProblem {
  found: string;
  means: string;
  remedy: string;
  /** Waiting does not help: no process on another machine can use the address. */
  isLasting: boolean;
}

/**
 * Brokers that say of themselves an address at which this process does not find them; undefined when there are none. One that
 * is in the configuration as it says, and does not answer, is away: that is no mistake.
 */
export function listenerProblem(
  advertised: readonly AdvertisedBroker[],
  configured: readonly KafkaAddress[],
): ListenerProblem | undefined {
  const isConfigured = (broker: KafkaAddress) => configured.some((one) => shown(one) === shown(broker));
  const isFar = !configured.some(({ host }) => isLoopback(host));
  const loopback = isFar ? advertised.filter(({ host }) => isLoopback(host)) : [];
  const lost = advertised.filter((broker) => broker.unreached !== undefined && !isConfigured(broker));
  const [wrong] = [...loopback, ...lost];
  if (wrong === undefined) return undefined;
  const names = [...new Set([...loopback, ...lost])].map(shown).join(', ');
  const why = loopback.includes(wrong) ? 'for this process that is its own machine' : `from here, ${wrong.unreached}`;
  return {
    found: `Kafka answers at ${configured.map(shown).join(',')}, and says that its brokers are at ${names}: ${why}`,
    means: 'every client goes to the address that the broker says, so that no ticket is sent or received',
    remedy: `set advertised.listeners of the broker to an address that this process reaches, such as PLAINTEXT://${shown(configured[0]!)}; for clients inside and outside of a container network, give the broker a listener for each (docs/kafka.md, "Listeners")`,
    isLasting: loopback.length > 0,
  };
}

/** `host:port`, an IPv6 address in brackets. */
export const shown = ({ host, port }: KafkaAddress): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
