// An entry of the outbox as a CloudEvent (specification 1.0.2) in JSON: docs/issuances.schema.json describes it.
import type { OutboxEntry, ToldTicket } from './port.ts';

export const CONTENT_TYPE = 'application/cloudevents+json; charset=UTF-8';

export interface CloudEvent {
  specversion: '1.0';
  /** With `source` the same for each repeat of an event. */
  id: string;
  source: string;
  type: 'sluice.tickets.issued' | 'sluice.tickets.cancelled';
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  /** The extension of that name: of one ticket, the later event has the higher number. Twenty digits, so that texts compare. */
  sequence: string;
  data: { campaign: string; tickets: readonly ToldTicket[] };
}

/** `source` names the service that issues, as a URI reference. */
export function cloudEventOf({ id, campaign, what, tickets, at }: OutboxEntry, source: string): CloudEvent {
  return {
    specversion: '1.0',
    id: String(id),
    source,
    type: `sluice.tickets.${what}`,
    subject: campaign,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    sequence: String(id).padStart(20, '0'),
    data: { campaign, tickets },
  };
}
