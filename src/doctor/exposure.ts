// What of this process strangers can reach. Pure.

import { isLoopback } from '../domain/loopback.ts';
import { broken, type Finding, ok, warning } from './finding.ts';

export interface Exposure {
  production: boolean;
  /** Where it listens; undefined where it does not. */
  adminHost: string | undefined;
  /** Undefined when Sluice made it. */
  adminToken: string | undefined;
  telemetryHost: string | undefined;
  /** Where buyers come in, and whether anybody may name themselves there. */
  publicHost: string | undefined;
  believesBareHeader: boolean;
  logLevel: string;
}

const TOKEN_CHARS_MIN = 16;
/** Of these words, and digits, the tokens of examples and templates are made. */
const PLACEHOLDER =
  /change|replace|example|placeholder|insert|default|dummy|secret|password|admin|token|test|sluice|your|here|this|with|me|it|my|\d|[-._~+/=]/gi;
const REPEATED = /^(.)\1+$/;

export function judgeExposure(exposure: Exposure): Finding[] {
  const { adminHost, telemetryHost, publicHost, logLevel, production } = exposure;
  return [
    ...(adminHost === undefined ? [] : [judgeAdmin(adminHost, exposure.adminToken)]),
    ...(telemetryHost === undefined ? [] : [judgeTelemetry(telemetryHost)]),
    ...(publicHost === undefined ? [] : [judgeIdentity(publicHost, exposure)]),
    production && logLevel === 'debug'
      ? warning('log-level', {
          found: 'LOG_LEVEL debug in production',
          means: 'logs grow with the number of buyers and hold more than an operator needs',
          remedy: 'LOG_LEVEL=info',
        })
      : ok('log-level', `LOG_LEVEL ${logLevel}`),
  ];
}

function judgeAdmin(host: string, token: string | undefined): Finding {
  const check = 'admin-listener';
  const isWeak = token !== undefined && isGuessed(token);
  const found = `ADMIN_HOST ${host}${isWeak ? ', an ADMIN_TOKEN that is easy to guess' : ''}`;
  const remedy = 'ADMIN_TOKEN=$(openssl rand -hex 24)';
  const means = 'an attacker who guesses the token can close sales and add stock';
  if (!isLoopback(host) && isWeak) return broken(check, { found, means, remedy });
  if (isWeak) return warning(check, { found, means, remedy });
  if (isLoopback(host)) return ok(check, found);
  return warning(check, {
    found,
    means: 'other machines can reach the admin API; only its token protects it, and there is no TLS',
    remedy: 'ADMIN_HOST=127.0.0.1, or a firewall or network policy that lets only operators reach it',
  });
}

const isGuessed = (token: string): boolean =>
  token.length < TOKEN_CHARS_MIN || REPEATED.test(token) || token.replaceAll(PLACEHOLDER, '') === '';

function judgeTelemetry(host: string): Finding {
  if (isLoopback(host)) return ok('telemetry-listener', `TELEMETRY_HOST ${host}`);
  return warning('telemetry-listener', {
    found: `TELEMETRY_HOST ${host}`,
    means: 'anyone who can reach /metrics can read the progress of the sale: it asks for no password',
    remedy: 'TELEMETRY_HOST=127.0.0.1, or a firewall or network policy that lets only Prometheus reach it',
  });
}

function judgeIdentity(host: string, { production, believesBareHeader }: Exposure): Finding {
  const found = believesBareHeader
    ? `HOST ${host}, and buyers name themselves in X-User-Id without a check`
    : 'the front checks who sends X-User-Id';
  if (!believesBareHeader || (isLoopback(host) && !production)) return ok('identity', found);
  return warning('identity', {
    found,
    means: 'one person can join as many buyers, and can see the coupon codes of others',
    remedy: 'SLUICE_PROFILE=production with GATEWAY_SECRET, and a gateway that signs buyers in',
  });
}
