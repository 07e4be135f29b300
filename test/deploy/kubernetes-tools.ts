// Brings what validates manifests: schemas of Kubernetes from PyPI, resource definitions of KEDA from the Go module proxy,
// each with its own client and into a folder of its own; and finds what renders them.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../helpers/root.ts';

const SCHEMAS = 'kubernetes-validate==1.37.0';
const KEDA = 'github.com/kedacore/keda/v2@v2.21.0';
const FOLDER = join(ROOT, 'node_modules/.cache/sluice/kubernetes-validate-1.37.0');
/** Written last: a folder without it was left half-way. */
const DONE = join(FOLDER, 'done');
/** For a cold cache and a slow registry; without a network both clients give up sooner. */
const INSTALL_MS = 180_000;

interface Tools {
  python: string;
  /** Folder of KEDA's resource definitions. */
  definitions: string;
  /** Gives all manifests of a folder with a kustomization. Throws where it cannot be rendered. */
  render: (folder: string) => string;
}

/** All three, or why one is not to be had. */
export function findTools(): Tools | { missing: string } {
  const kustomize = [
    ['kustomize', 'build'],
    ['kubectl', 'kustomize'],
  ].find(([program]) => run(program!, ['version', '--client']).error === undefined);
  if (kustomize === undefined) return { missing: 'neither kustomize nor kubectl is installed' };
  const python = join(FOLDER, 'bin/python');
  if (!existsSync(DONE)) {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    const made = run('python3', ['-m', 'venv', FOLDER]);
    if (made.status !== 0) return { missing: `python3 -m venv failed: ${wordsOf(made)}` };
    const pip = ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--timeout', '15', SCHEMAS];
    const installed = run(python, pip);
    if (installed.status !== 0) return { missing: `pip install ${SCHEMAS} failed: ${wordsOf(installed)}` };
    writeFileSync(DONE, SCHEMAS);
  }
  const downloaded = run('go', ['mod', 'download', '-json', KEDA]);
  if (downloaded.status !== 0) return { missing: `go mod download ${KEDA} failed: ${wordsOf(downloaded)}` };
  const { Dir } = JSON.parse(downloaded.stdout) as { Dir: string };
  return {
    python,
    definitions: join(Dir, 'config/crd/bases'),
    render: (folder) => {
      const rendered = run(kustomize[0]!, [kustomize[1]!, folder]);
      if (rendered.status !== 0) throw new Error(wordsOf(rendered));
      return rendered.stdout;
    },
  };
}

const run = (command: string, args: string[]) =>
  spawnSync(command, args, { encoding: 'utf8', timeout: INSTALL_MS, cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });

const wordsOf = ({ error, stderr }: SpawnSyncReturns<string>): string =>
  error?.message ?? stderr?.trim().split('\n').at(-1) ?? '';
