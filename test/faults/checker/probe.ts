// I7: tries to read the tickets of others, as a client that knows or guesses them would.
import { between, type Chance } from '../chance.ts';
import type { Client } from '../crowd/client.ts';
import { type History, ticketsOf } from '../crowd/history.ts';

const VICTIMS = 8;

/** What a stranger got to see, a line each. */
export async function probeOwnership(client: Client, history: History, chance: Chance): Promise<string[]> {
  const held = [...ticketsOf(history)];
  const victims = held.toSorted(() => chance() - 0.5).slice(0, VICTIMS);
  const breaches: string[] = [];
  const answers = new Set<string>();
  for (const [user, [ticket]] of victims) {
    const stranger = held[between(chance, 0, held.length - 1)]![0];
    const other = stranger === user ? `${user}x` : stranger;
    const tries: [what: string, ticket: string, who: string][] = [
      [`${other} reads the ticket of ${user}`, ticket!, other],
      [`${user} alters a ticket`, altered(ticket!, between(chance, 0, ticket!.length - 1)), user],
      [`${user} moves a ticket on by one`, movedOn(ticket!), user],
    ];
    for (const [what, text, who] of tries) {
      const answer = await client.ask(`/v1/tickets/${text}`, { headers: { 'x-user-id': who } });
      if ('unknown' in answer) continue;
      if (answer.status === 404) answers.add(answer.text);
      else if (answer.status < 500) breaches.push(`${what}: ${answer.status} ${answer.text.slice(0, 80)}`);
    }
  }
  // One body for all: a difference would tell a guesser what exists.
  return answers.size > 1 ? [...breaches, `strangers get ${answers.size} different answers`] : breaches;
}

function altered(ticket: string, at: number): string {
  const other = ticket[at] === 'A' ? 'B' : 'A';
  return ticket[at] === '.' ? `${ticket}A` : ticket.slice(0, at) + other + ticket.slice(at + 1);
}

/** The next seq under the same signature. */
function movedOn(ticket: string): string {
  const [payload, mac] = ticket.split('.') as [string, string];
  const bytes = Buffer.from(payload, 'base64url');
  bytes.writeUIntBE(bytes.readUIntBE(4, 6) + 1, 4, 6);
  return `${bytes.toString('base64url')}.${mac}`;
}
