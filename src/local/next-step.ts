// The command that a person runs next, so that it works where they paste it: in another terminal, without our environment.
import type { Config } from '../config/config.ts';

const DEFAULT_FOLDER = '.data';
const DEFAULT_URL = 'http://127.0.0.1:8080';
const DEFAULT_ADMIN_URL = 'http://127.0.0.1:8081';

/** One command, and in brackets what it needs that must not be printed. */
export function rehearseCommand(config: Config, urls: { publicUrl: string; adminUrl: string }): string {
  const { publicUrl, adminUrl } = urls;
  const words = [
    ...(config.dataDir === DEFAULT_FOLDER ? [] : [`DATA_DIR=${quoted(config.dataDir)}`]),
    'npm run rehearse -- --buyers 20000 --stock 5000',
    ...(publicUrl === DEFAULT_URL ? [] : [`--url ${publicUrl}`]),
    ...(adminUrl === DEFAULT_ADMIN_URL ? [] : [`--admin-url ${adminUrl}`]),
    ...(config.identity.kind === 'jwt'
      ? ['--tokens-file <file with a bearer token for each buyer, one per line>']
      : []),
  ];
  const secrets = [
    ...(config.admin.token === undefined ? [] : ['ADMIN_TOKEN']),
    ...(config.profile === 'production' ? ['DATABASE_URL'] : []),
    ...(config.identity.kind === 'gateway' ? ['GATEWAY_SECRET'] : []),
  ];
  const needs =
    secrets.length === 0 ? '' : `\n  (that terminal needs these settings of this one: ${secrets.join(', ')})`;
  return `${words.join(' ')}${needs}`;
}

/** As a shell takes it for one word. */
const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
