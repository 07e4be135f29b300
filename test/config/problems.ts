// What the readers of the environment say is wrong with it.

import { ConfigError, readConfig } from '../../src/config/config.ts';
import type { Needs } from '../../src/config/contradictions.ts';

/** The lines that name a setting; empty when nothing is wrong. */
export function problemsOf(environment: Record<string, string>, needs: Needs = {}): string[] {
  try {
    readConfig(environment, needs);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
}
