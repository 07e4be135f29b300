// docs/ticket-states.md, made from the table of states.
import { eventRow, STATES, TICKET_EVENTS, TICKET_STATES, type TicketState } from '../../src/domain/ticket-state.ts';
import { wordOf } from '../../src/gate/redis/outcome-text.ts';

const INTRODUCTION = `# The states of a ticket

This page is made from \`src/domain/ticket-state.ts\`. After a change there, write it again with
\`npx vitest run test/tidy/ticket-states.test.ts -u\`.

A rebuild of a gate is not an event of this table: it reads every ticket's state again, from the ledger, the retry jobs and the
streams (\`src/recovery/rebuild.ts\`). A ticket that none of them knows is \`lost\` until its buyer polls it.`;

export function ticketStatesPage(): string {
  return `${[INTRODUCTION, diagram(), states(), events()].join('\n\n')}\n`;
}

const idOf = (state: TicketState): string => state.replaceAll('-', '_');

function diagram(): string {
  const named = TICKET_STATES.map((state) => `  state "${state}" as ${idOf(state)}`);
  const arrows = TICKET_EVENTS.flatMap((event) =>
    Object.entries(eventRow(event).next).map(([from, to]) => ({ from: from as TicketState, to, event })),
  );
  const grouped = Map.groupBy(arrows, ({ from, to }) => `  ${idOf(from)} --> ${idOf(to)}`);
  const drawn = [...grouped].map(([arrow, events]) => `${arrow}: ${events.map(({ event }) => event).join(', ')}`);
  const over = TICKET_STATES.filter((state) => !arrows.some(({ from }) => from === state));
  const ends = over.map((state) => `  ${idOf(state)} --> [*]`);
  return ['```mermaid', 'stateDiagram-v2', ...named, '  [*] --> lost', ...drawn, ...ends, '```'].join('\n');
}

function states(): string {
  const rows = TICKET_STATES.map((state) => {
    const { means, told } = STATES[state];
    return `| \`${state}\` | ${means} | \`${told}\` | ${keptAs(state)} |`;
  });
  return [
    '## States',
    '| state | means | `status` of the API | in the gate |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function keptAs(state: TicketState): string {
  const { kept, carries } = STATES[state];
  switch (kept) {
    case 'no-place':
      return 'no place in `users`';
    case 'entry':
      return state === 'pending' ? 'its entry is in the pending list of `work`' : 'its entry is in `work`';
    case 'watermark':
      return 'acked, and no exception; a place with seq 0 where the gate was rebuilt since';
    case 'exception':
      return `\`exceptions\` has \`${wordOf(state)}:${carries === 'nothing' ? '' : `<${carries}>`}\``;
  }
}

function events(): string {
  const rows = TICKET_EVENTS.map((event) => {
    const { by, next, writes } = eventRow(event);
    const script = by.script === null ? 'a command of Redis' : `\`lua/${by.script}.lua\``;
    const changes = Object.entries(next).map(([from, to]) => `${from} → ${to}`);
    const who = `${by.asks} | ${by.decides} | ${script}`;
    return `| \`${event}\` | ${who} | ${changes.join('<br>')} | ${writes.gate} | ${writes.elsewhere} |`;
  });
  const head = '| event | asked by | decided by | done by | from → to | written in the gate | written elsewhere |';
  const rule = '| --- | --- | --- | --- | --- | --- | --- |';
  return ['## Events', 'In a state that a row does not name, the event changes nothing.', '', head, rule, ...rows].join(
    '\n',
  );
}
