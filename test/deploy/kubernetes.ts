// Reads the manifests of deploy/kubernetes without a cluster and without kustomize.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../helpers/root.ts';

export const FOLDER = join(ROOT, 'deploy/kubernetes');
export const OVERLAYS = globSync('*', { cwd: join(FOLDER, 'overlays') }).toSorted();

export interface Probe {
  httpGet: { path: string; port: string };
  periodSeconds: number;
  failureThreshold?: number;
}

export interface Container {
  command: string[];
  envFrom: { configMapRef: { name: string } }[];
  env: { name: string; valueFrom: { secretKeyRef?: { name: string; key: string; optional?: boolean } } }[];
  ports: { name: string; containerPort: number }[];
  startupProbe: Probe;
  readinessProbe: Probe;
  livenessProbe: Probe;
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  securityContext: object;
}

interface PodSpec {
  terminationGracePeriodSeconds: number;
  automountServiceAccountToken: boolean;
  securityContext: object;
  topologySpreadConstraints: { labelSelector: { matchLabels: object } }[];
  containers: [Container];
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
  spec: Record<string, unknown>;
}

export interface Deployment extends Manifest {
  spec: {
    replicas: number;
    selector: { matchLabels: object };
    strategy: { rollingUpdate: { maxSurge: number; maxUnavailable: number } };
    template: { metadata: { labels: object }; spec: PodSpec };
  };
}

export interface Trigger {
  type: string;
  name: string;
  metricType: string;
  metadata: Record<string, string>;
}

/** All documents of the files that match, in no order. */
export function manifests(pattern: string): Manifest[] {
  return globSync(pattern, { cwd: FOLDER }).flatMap((file) =>
    parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS() as Manifest;
    }),
  );
}
