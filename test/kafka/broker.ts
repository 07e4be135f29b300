// Real Kafka brokers (KRaft, no ZooKeeper) on loopback: started on free ports, killed, frozen and started again, by pid.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';
import { freePort } from '../helpers/free-port.ts';
import { until } from '../helpers/until.ts';
import { type KafkaPrograms, kafkaPrograms } from './jars.ts';

/** Where a node listens; its id is its place in `Kafka.brokers`, counted from 1. */
export interface NodePorts {
  id: number;
  port: number;
  controllerPort: number;
}

type Properties = Record<string, string | number>;

export interface KafkaOptions {
  /** One combined node (broker and controller), or three. */
  nodes?: 1 | 3;
  /** Options of Java; few resources and a quick start if they are not given. */
  jvm?: readonly string[];
  /** Added to `server.properties` of every node, or put in place of what stands there; by node where they differ. */
  properties?: Properties | ((node: NodePorts) => Properties);
  /** Further arguments of the storage tool's `format`, such as `['--add-scram', 'SCRAM-SHA-256=[name=a,password=b]']`. */
  format?: readonly string[];
}

export interface Kafka extends AsyncDisposable {
  /** `host:port` of each node, whatever its properties advertise. */
  brokers: string[];
  /** SIGKILL; resolves when it is gone. */
  kill(node: number): Promise<void>;
  /** On what it left on disk, killed before that where it runs; resolves when it has started. */
  restart(node: number): Promise<void>;
  /** SIGSTOP: its connections stay open and nothing answers. */
  freeze(node: number): void;
  thaw(node: number): void;
  /** Of its process; undefined where none was started. */
  pidOf(node: number): number | undefined;
  /** The id of the node that leads a partition. By the brokers' own metadata, without TLS and SASL. */
  leaderOf(topic: string, partition: number): Promise<number>;
  /** Nothing of it is left. The same as disposing it. */
  stop(): Promise<void>;
}

/**
 * Resolves when every node has started. Throws an Error that says what to install where Java or Maven is missing: a test
 * that has to be skipped then starts its brokers with `ownKafka` of ./own.ts.
 */
export async function startKafka({
  nodes = 1,
  jvm = QUICK_JVM,
  properties = {},
  format = [],
}: KafkaOptions = {}): Promise<Kafka> {
  const programs = kafkaPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'sluice-kafka-'));
  const running: Node[] = [];
  const stop = async () => {
    await Promise.all(running.map((node) => node.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const ports: NodePorts[] = [];
    for (let id = 1; id <= nodes; id += 1) {
      ports.push({ id, port: await freePort(), controllerPort: await freePort() });
    }
    for (const node of ports) {
      const own = typeof properties === 'function' ? properties(node) : properties;
      running.push(
        createNode(
          { ...programs, jvm },
          join(folder, `node-${node.id}`),
          { ...propertiesOf(node, ports), ...own },
          node,
        ),
      );
    }
    await Promise.all(running.map((node) => node.format(format)));
    // Three nodes wait for each other: one alone is no quorum.
    await Promise.all(running.map((node) => node.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const nodeOf = (id: number): Node => {
    const node = running[id - 1];
    if (node === undefined) throw new Error(`no node ${id}: there are ${running.length}`);
    return node;
  };
  const brokers = running.map(({ address }) => address);
  return {
    brokers,
    kill: (id) => nodeOf(id).kill(),
    restart: async (id) => {
      await nodeOf(id).kill();
      await nodeOf(id).start();
    },
    freeze: (id) => nodeOf(id).signal('SIGSTOP'),
    thaw: (id) => nodeOf(id).signal('SIGCONT'),
    pidOf: (id) => nodeOf(id).pid(),
    leaderOf: (topic, partition) => leaderOf(brokers, topic, partition),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Small, and quick to notice that a node is away. */
function propertiesOf({ id, port, controllerPort }: NodePorts, all: readonly NodePorts[]): Properties {
  const replicas = all.length;
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': all.map((node) => `${node.id}@127.0.0.1:${node.controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': replicas === 1 ? 1 : 2,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': replicas === 1 ? 1 : 2,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': replicas === 1 ? 1 : 2,
    'group.initial.rebalance.delay.ms': 0,
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'num.network.threads': 1,
    'num.io.threads': 2,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
  };
}

interface Node {
  address: string;
  format(args: readonly string[]): Promise<void>;
  start(): Promise<void>;
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  pid(): number | undefined;
}

const QUICK_JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** The id of every cluster here: 16 bytes in the alphabet of URLs. */
const CLUSTER_ID = 'c2x1aWNlLXRlc3RzLTAwMQ';

interface BrokerPrograms extends KafkaPrograms {
  jvm: readonly string[];
}

function createNode(programs: BrokerPrograms, dir: string, properties: Properties, { id, port }: NodePorts): Node {
  const file = join(dir, 'server.properties');
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let starts = 0;
  const run = (log: string, mainClass: string, args: readonly string[]) => {
    const flags = [...programs.jvm, '-Dlog4j2.level=INFO'];
    const [command, ...rest] = tied([programs.java, ...flags, '-cp', programs.classpath, mainClass, ...args]);
    const output = openSync(log, 'w');
    const started = spawn(command!, rest, { cwd: dir, stdio: ['ignore', output, output] });
    closeSync(output);
    return started;
  };
  return {
    address: `127.0.0.1:${port}`,
    async format(args) {
      await mkdir(dir);
      const lines = Object.entries({ ...properties, 'log.dirs': join(dir, 'data') });
      await writeFile(file, lines.map(([name, value]) => `${name}=${value}\n`).join(''));
      const log = join(dir, 'format.log');
      const tool = run(log, 'kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', file, ...args]);
      const code = await new Promise((resolve) => tool.once('exit', resolve));
      if (code !== 0) throw new Error(`the storage of Kafka node ${id} was not made:\n${await readFile(log, 'utf8')}`);
    },
    async start() {
      starts += 1;
      const log = join(dir, `server-${starts}.log`);
      const started = run(log, 'kafka.Kafka', [file]);
      child = started;
      ended = new Promise((resolve) => started.once('exit', resolve));
      await until(`Kafka node ${id} to start`, async () => {
        const text = await readFile(log, 'utf8');
        if (started.exitCode !== null || started.signalCode !== null) {
          throw new Error(`Kafka node ${id} ended as it started:\n${text.split('\n').slice(-40).join('\n')}`);
        }
        return /Kafka Server started/.test(text) && (await isOpen(port));
      });
    },
    async kill() {
      child?.kill('SIGKILL');
      await ended;
    },
    signal: (name) => void child?.kill(name),
    pid: () => child?.pid,
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function leaderOf(brokers: string[], topic: string, partition: number): Promise<number> {
  const admin = new Admin({ clientId: 'sluice-test-leader', bootstrapBrokers: brokers });
  try {
    return await until(`a leader of ${topic} ${partition}`, async () => {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
      const leader = topics.get(topic)?.partitions[partition]?.leader ?? -1;
      return leader > 0 && leader;
    });
  } finally {
    await admin.close();
  }
}

/** On Linux the kernel kills the broker with the test run, also a frozen one. */
function tied(command: string[]): string[] {
  const setpriv = process.platform === 'linux' ? findProgram(['setpriv'], serverSearchPath()) : undefined;
  return setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', '--', ...command];
}
