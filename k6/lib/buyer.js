// A buyer: joins, comes back when it is told to, and follows its ticket to the end as pollAfterMs says.
import { sleep } from 'k6';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';
import { settings } from './settings.js';

const decisions = new Counter('sluice_decisions');
const unanswered = new Rate('sluice_unanswered');
const lost = new Rate('sluice_lost');
const waited = new Trend('sluice_join_to_issued', true);
const polls = new Trend('sluice_polls_per_ticket');

// A refusal is an answer. What is not among these has failed.
const JOIN_ANSWERS = http.expectedStatuses(200, 202, 409, 410, 429, 503);
// A buyer who polls as it is told is never told to poll less.
const POLL_ANSWERS = http.expectedStatuses(200);

/** The answer to a join: `{decision, ticket?}`; asks again after Retry-After while that may help. */
export function join(campaign, user) {
  let answer = joinOnce(campaign, user);
  for (let attempt = 1; mayAskAgain(answer) && attempt < settings.attemptsMax; attempt += 1) {
    sleep(answer.retryAfterSeconds || 1);
    answer = joinOnce(campaign, user);
  }
  return answer;
}

function joinOnce(campaign, user) {
  const response = http.post(`${settings.url}/v1/campaigns/${campaign}/tickets`, null, {
    headers: identity(user),
    tags: { name: 'join' },
    responseCallback: JOIN_ANSWERS,
  });
  const { status } = response;
  const body = status === 0 ? {} : response.json();
  const decision = decisionOf(status, body);
  decisions.add(1, { decision });
  unanswered.add(decision === 'unanswered');
  return { decision, status, ticket: body.ticket, body, retryAfterSeconds: Number(response.headers['Retry-After']) };
}

/** Polls until the ticket is final, or patience ends. Returns the last body. */
export function follow({ ticket, body }, user) {
  const joinedAt = Date.now();
  let latest = body;
  let count = 0;
  while (!isFinal(latest) && Date.now() - joinedAt < settings.patienceSeconds * 1000) {
    sleep(latest.pollAfterMs / 1000);
    const response = poll(ticket, user);
    count += 1;
    if (response.status === 200) latest = response.json();
  }
  lost.add(latest.status !== 'issued');
  if (latest.status === 'issued') waited.add(Date.now() - joinedAt);
  polls.add(count);
  return latest;
}

export const poll = (ticket, user, answers = POLL_ANSWERS) =>
  http.get(`${settings.url}/v1/tickets/${ticket}`, {
    headers: identity(user),
    tags: { name: 'poll' },
    responseCallback: answers,
  });

const isFinal = ({ status }) => ['issued', 'failed', 'cancelled'].includes(status);

const mayAskAgain = ({ decision }) =>
  ['quota-exceeded', 'temporary-reduced-capacity', 'campaign-paused', 'unanswered'].includes(decision);

/** `admitted`, `known`, the last word of the problem's type, or `unanswered`. */
function decisionOf(status, body) {
  if (status === 202) return 'admitted';
  if (status === 200) return 'known';
  return body.type ? body.type.split(/[:#/]/).pop() : 'unanswered';
}

function identity(user) {
  const { gatewaySecret } = settings;
  return gatewaySecret ? { 'x-user-id': user, 'x-gateway-secret': gatewaySecret } : { 'x-user-id': user };
}
