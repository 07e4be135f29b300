// A scrape of a running service that has something of everything to tell.
import type { RunningFront } from '../cli/running-front.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { until } from '../helpers/until.ts';

export interface Family {
  kind: string;
  labels: Set<string>;
  sampleCount: number;
}

/** The families of a text in the format of Prometheus, by name. */
export function familiesOf(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\w+) (\w+)$/.exec(line);
    if (type !== null) families.set(type[1]!, { kind: type[2]!, labels: new Set(), sampleCount: 0 });
    const sample = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line);
    if (sample === null) continue;
    const family = families.get(sample[1]!) ?? families.get(sample[1]!.replace(/_(bucket|sum|count)$/, ''));
    if (family === undefined) throw new Error(`a sample without a type: ${line}`);
    family.sampleCount += 1;
    for (const [, label] of (sample[2] ?? '').matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) {
      if (label !== 'le') family.labels.add(label!);
    }
  }
  return families;
}

/** Sells the one unit of a new campaign and waits until it is issued; gives what no metric may name. */
export async function sellAndMeasure(front: RunningFront): Promise<{ users: string[]; tickets: string[] }> {
  const id = uniqueName('metrics');
  const user = `${id}-buyer`;
  const headers = { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ id, stock: 1 });
  const made = await fetch(`${front.adminUrl}/admin/campaigns`, { method: 'POST', headers, body });
  if (made.status !== 201) throw new Error(`no campaign: ${made.status}`);
  const { ticket } = await until('the join is admitted', 10_000, async () => {
    const answer = await fetch(`${front.url}/v1/campaigns/${id}/tickets`, {
      method: 'POST',
      headers: { 'x-user-id': user },
    });
    return answer.ok ? ((await answer.json()) as { ticket: string }) : undefined;
  });
  await until('the ticket is issued', 15_000, async () => {
    const answer = await fetch(`${front.url}/v1/tickets/${ticket}`, { headers: { prefer: 'wait=1' } });
    return ((await answer.json()) as { status: string }).status === 'issued';
  });
  return { users: [user], tickets: [ticket] };
}
