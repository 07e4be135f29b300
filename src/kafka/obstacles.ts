// What an error of Kafka's client means for the way to the brokers, in words that hold nothing of who logs in.
import type { Obstacle } from '../domain/obstacle.ts';

type Known = [RegExp, what: string, cure: string];

/** By the words of the client, of the brokers and of TLS; of several the first. */
const LASTING: Known[] = [
  [
    /suitable SASL mechanism/,
    'the broker does not take this way of logging in',
    'set KAFKA_SASL to one of the sasl.enabled.mechanisms of that listener',
  ],
  [
    /SASL|Invalid credentials/,
    'the broker rejects the user, password or token',
    'put the right ones into KAFKA_USER and KAFKA_PASSWORD, or a token that is still valid into KAFKA_TOKEN_FILE',
  ],
  [
    /TLS handshake failed/,
    'the broker does not speak TLS at that port',
    'set KAFKA_TLS=off, or use the port of its listener with TLS',
  ],
  [
    /alert certificate required|alert handshake failure|alert bad certificate/i,
    'the broker wants a certificate of Sluice, or does not trust the certificate that it got',
    'set KAFKA_CERT_FILE and KAFKA_KEY_FILE to a certificate of an authority that the broker trusts',
  ],
  [
    /SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS|certificate/,
    'the certificate of the broker is not trusted, or does not name that host',
    'set KAFKA_CA_FILE to the certificate of its authority, and use a host name that the certificate names',
  ],
  [
    /_AUTHORIZATION_FAILED/,
    'the user lacks rights that Sluice needs',
    'give that user the rights that docs/kafka.md lists',
  ],
];
const PASSING: Known[] = [
  [/ECONNREFUSED/, 'no broker listens at that address', 'check that Kafka runs, and that host and port are right'],
  [/ENOTFOUND|EAI_AGAIN/, 'the host name cannot be resolved', 'check the host name'],
  [/EHOSTUNREACH|ENETUNREACH/, 'the network has no route to that host', 'check the host and the network'],
  [
    /Connection closed|ECONNRESET|EPIPE/,
    'the broker closes the connection at once',
    'check whether that port wants a login (KAFKA_SASL), TLS (KAFKA_TLS=on) or a certificate of Sluice (KAFKA_CERT_FILE)',
  ],
];
const SILENT = ['no broker answers', 'check that Kafka runs, and that host and port are right'] as const;

/** An error that says nothing known counts as silence, which may pass. */
export function kafkaObstacle(error: unknown): Obstacle {
  const words = wordsOf(error);
  const known = (list: Known[]) => list.find(([pattern]) => pattern.test(words));
  const [, what, cure] = known(LASTING) ?? known(PASSING) ?? [undefined, ...SILENT];
  return { what, cure, lasting: known(LASTING) !== undefined };
}

/** Whether the brokers said this: one of Kafka's names of errors, such as TOPIC_ALREADY_EXISTS. */
export const isKafkaError = (error: unknown, name: string): boolean => wordsOf(error).includes(name);

interface ClientError {
  code?: string;
  apiId?: string;
  message?: string;
  errors?: unknown[];
  cause?: unknown;
}

/** The client keeps reasons behind errors, and errors of attempts in lists. */
function wordsOf(error: unknown): string {
  const { code, apiId, message, errors = [], cause } = (error ?? {}) as ClientError;
  const behind = [...errors, ...(cause === undefined ? [] : [cause])].map(wordsOf);
  return [code, apiId, message, ...behind].filter(Boolean).join(' ');
}
