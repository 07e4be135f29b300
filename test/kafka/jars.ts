// The programs of an Apache Kafka broker: fetched once by Maven into a cache folder, and run by the machine's Java.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';

const POM = fileURLToPath(new URL('pom.xml', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/kafka', import.meta.url));
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
/** What the broker of this version runs on. */
const JAVA_MAJOR_MIN = 17;

export interface KafkaPrograms {
  java: string;
  /** For `-cp`: every jar of the broker. */
  classpath: string;
}

/** Throws an Error that says what to install where Java, Maven or the jars cannot be had. */
export function kafkaPrograms(): KafkaPrograms {
  const java = program(
    'java',
    `a Java runtime ${JAVA_MAJOR_MIN} or newer (Debian: apt-get install default-jre-headless)`,
  );
  const { stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < JAVA_MAJOR_MIN) throw new Error(`${java} is Java ${major}: the broker needs ${JAVA_MAJOR_MIN} or newer`);
  return { java, classpath: join(jars(), '*') };
}

/** A folder for each text of the pom, so that another version is fetched and no half of one is taken. */
function jars(): string {
  const version = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12);
  const folder = join(CACHE, version);
  if (existsSync(folder)) return folder;
  const maven = program('mvn', 'Maven (Debian: apt-get install maven)');
  // Two runs may fetch at once: each its own draft, and the first to finish keeps the name.
  const draft = `${folder}.draft-${process.pid}`;
  const args = ['--batch-mode', '--quiet', '--file', POM, COPY, `-DoutputDirectory=${draft}`];
  const { status, stdout, stderr, error } = spawnSync(maven, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  try {
    if (status !== 0) {
      const said = (error?.message ?? `${stdout}${stderr}`).trim().split('\n').slice(-5).join('\n');
      throw new Error(`Maven could not fetch the broker: ${said}`);
    }
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

function program(name: string, what: string): string {
  const path = findProgram([name], serverSearchPath());
  if (path === undefined)
    throw new Error(`no ${name} on PATH: install ${what}, or set KAFKA_BROKERS=host:port to a broker that runs`);
  return path;
}
