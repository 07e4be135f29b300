// Adds to package-lock.json the optional packages of other platforms that this machine's registry does not carry.
// usage: node complete-lock.mjs package-lock.json
import { readFileSync, writeFileSync } from 'node:fs';

const file = process.argv[2];
const lock = JSON.parse(readFileSync(file, 'utf8'));
const OS = [
  'android',
  'darwin',
  'freebsd',
  'openbsd',
  'netbsd',
  'sunos',
  'aix',
  'openharmony',
  'win32',
  'linux',
  'wasi',
  'wasm32',
];
const CPU = ['arm64', 'x64', 'ia32', 'ppc64', 'riscv64', 'loong64', 's390x', 'mips64el', 'arm', 'wasm32'];
const parents = Object.entries(lock.packages);
for (const [where, info] of parents) {
  for (const [name, version] of Object.entries(info.optionalDependencies ?? {})) {
    const nested = where === '' ? '' : `${where}/node_modules/${name}`;
    if (lock.packages[nested] || lock.packages[`node_modules/${name}`]) continue;
    const words = name.split('/').pop().split(/[-_]/);
    const os = OS.find((o) => words.includes(o));
    const cpu = CPU.find((c) => words.includes(c));
    const libc = words.find((w) => w === 'musl' || w === 'musleabihf')
      ? 'musl'
      : os === 'linux' && words.find((w) => w === 'gnu' || w === 'gnueabihf')
        ? 'glibc'
        : undefined;
    console.log('add', name, version, os, cpu, libc ?? '');
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(cpu && { cpu: [cpu] }),
      ...(info.dev && { dev: true }),
      ...(libc && { libc: [libc] }),
      optional: true,
      ...(os && { os: [os] }),
    };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
