// Verbs for thousands of campaigns: import from a file, and close. Without --yes they only show what they would do.
import { readFileSync } from 'node:fs';
import { isCampaignId } from '../domain/ids.ts';
import { visibleLines } from '../domain/text.ts';
import { FILE_KINDS, readCampaigns } from './campaign-file.ts';
import { FILTERS, listRequest } from './campaign-filters.ts';
import { EXIT } from './exit.ts';
import { doMany, type Item } from './many.ts';
import type { ManyVerb, Tools, Values, Work } from './verb.ts';

export const IMPORT_VERB: ManyVerb = {
  name: 'import',
  noun: 'campaign',
  takes: 'file',
  needs: [],
  may: ['yes'],
  help: 'Create the campaigns of a file (.csv with a header, or .jsonl). Without --yes it only shows what would be created.',
  check: ([file = '.csv']) =>
    FILE_KINDS.some((kind) => file.endsWith(kind))
      ? []
      : [`The name of the file must end with ${FILE_KINDS.join(' or ')}.`],
  work:
    ([file], { yes }) =>
    (tools) => {
      const text = textOf(tools, file!);
      if (text === undefined) return Promise.resolve(EXIT.usage);
      const items = readCampaigns(file!, text, yes !== true);
      if (typeof items === 'string') {
        tools.err(visibleLines(`${file}: ${items}\n`));
        return Promise.resolve(EXIT.usage);
      }
      const created = yes === true ? 'created' : 'to be created';
      return doMany(tools, {
        unit: 'line',
        items,
        words: [created, 'unchanged'],
        outcomeOf: ({ status, body }) =>
          status === 201 || (body as { exists?: boolean }).exists === false ? created : 'unchanged',
        dryRun: yes !== true,
      });
    },
};

/** Undefined where one campaign is closed: that needs no --yes. */
export function closeMany(names: readonly string[], values: Values): Work | undefined {
  const { file, yes } = values;
  const isFiltered = FILTERS.some((filter) => values[filter] !== undefined);
  if (names.length === 1 && file === undefined && !isFiltered) return undefined;
  return async (tools) => {
    const text = file === undefined ? '' : textOf(tools, file as string);
    if (text === undefined) return EXIT.usage;
    const given: Item[] = [...names.map((id) => ({ id })), ...linesOf(text)];
    const request = listRequest(values);
    // The ids that are given need no list, unless somebody wants to see first what would become of them.
    const answer = given.length === 0 || yes !== true ? await tools.askAll(request, 'campaigns') : undefined;
    if (answer !== undefined && answer.kind !== 'done') return tools.failed(request, answer);
    const listed = new Map(
      ((answer?.body ?? { campaigns: [] }) as { campaigns: Listed[] }).campaigns.map((one) => [one.id, one]),
    );
    const chosen = given.length > 0 ? given : [...listed.values()].filter(isOpen).map(({ id }) => ({ id }));
    return yes === true ? close(tools, chosen) : show(tools, chosen, listed);
  };
}

export const checkClose = (names: readonly string[], values: Values): string[] => {
  const byFilter = FILTERS.some((filter) => values[filter] !== undefined);
  const byId = names.length > 0 || values.file !== undefined;
  if (byFilter && byId) return ['Give ids (or --file), or filters, not both.'];
  return byFilter || byId ? [] : [`Give the ids of campaigns, --file FILE or a filter (--${FILTERS.join(', --')}).`];
};

interface Listed {
  id: string;
  state: string;
  stage: string;
}

const isOpen = ({ state, stage }: Listed): boolean => state !== 'closed' && !['archived', 'purged'].includes(stage);

function close(tools: Tools, chosen: readonly Item[]): Promise<number> {
  const items = chosen.map((item): Item => {
    const path = `/admin/campaigns/${item.id}/close`;
    return item.problem === undefined ? { ...item, request: { method: 'POST', path } } : item;
  });
  return doMany(tools, { unit: 'campaign', items, words: ['closed'], dryRun: false, outcomeOf: () => 'closed' });
}

/** What would become of each, by the list alone: nothing is sent. */
function show(tools: Tools, chosen: readonly Item[], listed: ReadonlyMap<string, Listed>): Promise<number> {
  const items = chosen.map((item): Item => {
    if (item.problem !== undefined) return item;
    const found = listed.get(item.id);
    if (found === undefined) return { ...item, problem: 'there is no such campaign' };
    return { ...item, outcome: isOpen(found) ? 'to be closed' : 'ended before' };
  });
  const words = ['to be closed', 'ended before'];
  return doMany(tools, { unit: 'campaign', items, words, dryRun: true, outcomeOf: () => '' });
}

/** An id a line. */
const linesOf = (text: string): Item[] =>
  text.split('\n').flatMap((line, index) => {
    const id = line.trim();
    if (id === '') return [];
    return [{ line: index + 1, id, ...(!isCampaignId(id) && { problem: 'it is not a campaign id' }) }];
  });

/** The text of a file, or of standard input for `-`; undefined, and the reason is printed, when it cannot be read. */
function textOf(tools: Tools, file: string): string | undefined {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    tools.err(visibleLines(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.\n`));
    return undefined;
  }
}
