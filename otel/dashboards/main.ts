// Writes the dashboards where provisioning finds them: `npm run dashboards`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dashboardOf } from './build.ts';
import { BOARDS } from './panels.ts';

for (const board of BOARDS) {
  const path = fileURLToPath(new URL(`../grafana/dashboards/${board.id}.json`, import.meta.url));
  writeFileSync(path, dashboardOf(board));
}
