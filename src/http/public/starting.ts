// The public listener of a front that has not finished its start: a balancer asks it, and must not be let in.
import { readinessBody } from '../../domain/readiness.ts';
import { pathOf } from '../path.ts';
import { unavailable } from '../problems.ts';
import { json } from '../respond.ts';

/** `/livez` is 200, `/readyz` says that it starts, everything else is to be asked again. */
export function answerWhileStarting(request: Request): Response {
  const pathname = pathOf(request);
  if (pathname === '/livez') return json(200, { status: 'up' });
  if (pathname === '/readyz') return json(503, readinessBody({ reasons: ['starting'], warnings: [] }));
  return unavailable('This front is still starting. Please try again.');
}
