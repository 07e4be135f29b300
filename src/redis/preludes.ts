// The fragments of `lua/prelude/`: definitions that several scripts share. A script names those that it uses in its header
// (`-- uses: place, epoch`); they are put between its first line and the rest of it, so that one SHA covers all of it.
import { readdirSync, readFileSync } from 'node:fs';

export interface Prelude {
  name: string;
  source: string;
  /** Fragments that must stand before it. */
  uses: string[];
  /** Every local that it defines, for the scripts behind it. */
  defines: string[];
}

export type Preludes = ReadonlyMap<string, Prelude>;

const FOLDER = new URL('../../lua/prelude/', import.meta.url);

let preludes: Preludes | undefined;

/** All fragments, read once; throws when one of them is not what a fragment must be. */
export function loadPreludes(): Preludes {
  preludes ??= new Map(
    readdirSync(FOLDER).map((file) => {
      const name = file.replace(/\.lua$/, '');
      return [name, parsePrelude(name, readFileSync(new URL(file, FOLDER), 'utf8'))];
    }),
  );
  return preludes;
}

/** Reads the fragment `name`: comments, constants and functions, all of them local. */
export function parsePrelude(name: string, source: string): Prelude {
  const refuse = (why: string) => new Error(`lua/prelude/${name}.lua: ${why}`);
  const code = withoutComments(source);
  if (/\b(KEYS|ARGV)\b/.test(code)) throw refuse('only a script reads KEYS and ARGV; take them as parameters');
  const other = code.match(/^(?!local |end\b)\S.*$/m);
  if (other) throw refuse(`a fragment only defines locals, at the left margin, and this line does not: ${other[0]}`);
  const defines = definitions(code);
  if (defines.length === 0) throw refuse('it defines nothing');
  return { name, source, uses: usesOf(source), defines };
}

/**
 * `text` with the fragments that its header names behind its first line. Throws when it names an unknown one or one that
 * it does not use, uses one that it does not name, or defines a name of a fragment itself.
 */
export function prepend(path: string, text: string, known: Preludes): string {
  checkUses(path, text, known);
  const needed = new Set<Prelude>();
  const need = (name: string, trail: readonly string[]): void => {
    const prelude = known.get(name)!;
    if (trail.includes(name)) throw new Error(`${path}: fragments use each other: ${[...trail, name].join(' -> ')}`);
    checkUses(`lua/prelude/${name}.lua`, prelude.source, known);
    for (const below of prelude.uses) need(below, [...trail, name]);
    needed.add(prelude);
  };
  for (const name of usesOf(text)) need(name, []);
  const firstLineEnds = text.indexOf('\n') + 1;
  const fragments = [...needed].map(({ source }) => source);
  return [text.slice(0, firstLineEnds), ...fragments, text.slice(firstLineEnds)].join('');
}

function checkUses(path: string, text: string, known: Preludes): void {
  const uses = usesOf(text);
  const code = withoutComments(text);
  const words = new Set(code.match(/[A-Za-z_]\w*/g));
  const own = definitions(code);
  for (const name of uses) {
    const prelude = known.get(name);
    if (!prelude) throw new Error(`${path}: lua/prelude/ has no fragment "${name}"`);
    if (!prelude.defines.some((word) => words.has(word))) throw new Error(`${path}: it uses nothing of "${name}"`);
  }
  for (const { name, defines } of known.values()) {
    if (path === `lua/prelude/${name}.lua`) continue;
    const twice = defines.find((word) => own.includes(word));
    if (twice) throw new Error(`${path}: ${twice} is defined in the fragment "${name}": use that one, or another name`);
    const used = defines.find((word) => words.has(word));
    if (used && !uses.includes(name)) throw new Error(`${path}: it uses ${used}, and not "-- uses: ${name}"`);
  }
}

/** The fragments that a header names. */
export const usesOf = (text: string): string[] => text.match(/^-- uses: (.+)$/m)?.[1]?.split(', ') ?? [];

/** Names of the locals that stand at the left margin. */
function definitions(code: string): string[] {
  return [...code.matchAll(/^local (?:function (\w+)|([\w, ]+?) *(?:=|$))/gm)].flatMap(([, called, names]) =>
    called === undefined ? names!.split(/, */) : [called],
  );
}

/** Without comments and what is quoted: words in them are no code. */
const withoutComments = (text: string): string =>
  text.replaceAll(/'[^'\n]*'|"[^"\n]*"|--[^\n]*/g, (found) => (found.startsWith('-') ? '' : "''"));
