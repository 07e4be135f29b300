// HAProxy and nginx as Debian sets them up, in front of a front: on free ports of the loopback, with all their files in a
// folder of the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';
import { freePort } from '../helpers/free-port.ts';
import { until } from '../helpers/until.ts';

const STARTED_WITHIN_MS = 60_000;

export interface Proxies {
  haproxy: {
    port: number;
    /** A listener whose server is asked for its health. */
    checkedPort: number;
    /** A listener that bounds the requests of an address, as the runbook has it. */
    boundedPort: number;
    log: () => string;
  };
  nginx: {
    port: number;
    /** A listener that keeps connections to the front, as a faster nginx is set up. */
    keptPort: number;
    boundedPort: number;
    log: () => string;
  };
}

export const HAPROXY = findProgram(['haproxy'], serverSearchPath());
export const NGINX = findProgram(['nginx'], serverSearchPath());

for (const [name, program] of Object.entries({ haproxy: HAPROXY, nginx: NGINX })) {
  if (program !== undefined) continue;
  console.warn(`${name} is not on this machine: Sluice behind it is NOT tested. Install it: apt-get install ${name}`);
}

/** Call at the top of a test file, after what starts the front, with ports of {@link proxyPorts}. */
export function runningProxies(front: { url: string }, ports: ProxyPorts): Proxies {
  const logs = { haproxy: '', nginx: '' };
  const children: ChildProcess[] = [];
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-proxies-'));
    const server = new URL(front.url).host;
    const start = async (name: 'haproxy' | 'nginx', program: string, args: string[], listensAt: number[]) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(child);
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (logs[name] += chunk));
      for (const port of listensAt) {
        await until(`${name} listens; it said: ${logs[name]}`, STARTED_WITHIN_MS, () => {
          if (child.exitCode !== null) throw new Error(`${name} ended: ${logs[name]}`);
          return isListening(port);
        });
      }
    };
    if (HAPROXY !== undefined) {
      const config = join(folder, 'haproxy.cfg');
      await writeFile(config, haproxyConfig(server, ports));
      await start('haproxy', HAPROXY, ['-db', '-f', config], [ports.haproxy, ports.checked, ports.haproxyBounded]);
    }
    if (NGINX !== undefined) {
      const config = join(folder, 'nginx.conf');
      await writeFile(config, nginxConfig(server, ports, folder));
      const args = ['-p', folder, '-c', config, '-e', 'stderr', '-g', 'daemon off;'];
      await start('nginx', NGINX, args, [ports.nginx, ports.kept, ports.nginxBounded]);
    }
  });
  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  });
  return {
    haproxy: {
      port: ports.haproxy,
      checkedPort: ports.checked,
      boundedPort: ports.haproxyBounded,
      log: () => logs.haproxy,
    },
    nginx: { port: ports.nginx, keptPort: ports.kept, boundedPort: ports.nginxBounded, log: () => logs.nginx },
  };
}

export interface ProxyPorts {
  haproxy: number;
  checked: number;
  haproxyBounded: number;
  nginx: number;
  kept: number;
  nginxBounded: number;
}

/** Requests of an address that its proxy lets pass, and then hardly any for the length of a test. */
export const BOUND = 20;

/** Ports that are free just now. */
export async function proxyPorts(): Promise<ProxyPorts> {
  return {
    haproxy: await freePort(),
    checked: await freePort(),
    haproxyBounded: await freePort(),
    nginx: await freePort(),
    kept: await freePort(),
    nginxBounded: await freePort(),
  };
}

/** Debian's /etc/haproxy/haproxy.cfg, but in the foreground, with its log where the test reads it. */
function haproxyConfig(server: string, ports: ProxyPorts): string {
  return `
global
  log stdout format raw local0
defaults
  log global
  mode http
  option httplog
  option dontlognull
  timeout connect 5000
  timeout client 50000
  timeout server 50000
frontend plain
  bind 127.0.0.1:${ports.haproxy}
  default_backend plain
backend plain
  server front ${server}
frontend checked
  bind 127.0.0.1:${ports.checked}
  default_backend checked
frontend bounded
  bind 127.0.0.1:${ports.haproxyBounded}
  stick-table type ipv6 size 100k expire 1h store http_req_rate(1h)
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${BOUND} }
  default_backend plain
backend checked
  option httpchk GET /readyz
  option log-health-checks
  server front ${server} check
`;
}

/** Debian's /etc/nginx/nginx.conf, but with every file in `folder`. */
function nginxConfig(server: string, ports: ProxyPorts, folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder};`);
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes auto;
pid ${folder}/nginx.pid;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  gzip on;
  access_log ${folder}/access.log;
  ${temporary.join('\n  ')}
  upstream front { server ${server}; }
  upstream kept { server ${server}; keepalive 32; }
  server {
    listen 127.0.0.1:${ports.nginx};
    location / { proxy_pass http://front; }
    location /sale/ { proxy_pass http://front/; }
  }
  server {
    listen 127.0.0.1:${ports.kept};
    location / {
      proxy_pass http://kept;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
  limit_req_zone $binary_remote_addr zone=clients:10m rate=1r/m;
  limit_req_status 429;
  server {
    listen 127.0.0.1:${ports.nginxBounded};
    location / {
      limit_req zone=clients burst=${BOUND} nodelay;
      proxy_pass http://front;
    }
  }
}
`;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => tell(true)).once('error', () => tell(false));
  });
}
