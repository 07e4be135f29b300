// Which campaigns a command means, by what the list can be filtered by.
import type { OptionName } from './options.ts';
import type { Request, Values } from './verb.ts';

export const FILTERS = ['state', 'phase', 'attention', 'text'] as const satisfies readonly OptionName[];

/** The list of all campaigns. */
export const LIST = '/admin/campaigns?limit=500';

export function listRequest(values: Values): Request {
  const given = FILTERS.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`&${name}=${encodeURIComponent(String(value))}`];
  });
  return { method: 'GET', path: `${LIST}${given.join('')}` };
}
