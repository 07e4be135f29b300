// Words that the texts of Sluice do not use: for each kind what is written in their place.
import ts from 'typescript';
import { read } from './sources.ts';

interface Banned {
  words: RegExp;
  why: string;
}

/** A text says which actor does what: buyer, front, worker, operator, Redis, the database. */
const BANNED: readonly Banned[] = [
  { words: /\banew\b/gi, why: 'archaic: "again", "new", or the verb with re-' },
  { words: /\bfor ever\b/gi, why: 'archaic: "permanently", or what ends it' },
  { words: /\bfor good\b/gi, why: 'an idiom: "permanently"' },
  { words: /\ball the same\b/gi, why: 'an idiom: "nevertheless", "also then"' },
  {
    words: /\b(?:is|are|was|were|be|been|being) told\b/gi,
    why: 'who says it? "the answer is", "gets", "the front answers"',
  },
  { words: /\bhears? of\b/gi, why: 'a metaphor: "receives", "reads", "learns"' },
  { words: /\b(?:tells?|telling) of\b/gi, why: 'a metaphor: "reports", "names", "shows"' },
  { words: /\bwho(?:so)?ever\b/gi, why: 'no actor: "a buyer who", "anyone who"' },
  {
    words: /(?:^|[.:;(]\s+|\b(?:to|for|from|than|and|of|by|as)\s)who\s(?!may\b)\w+/gim,
    why: 'no actor: "a buyer who"',
  },
  { words: /\b(?:some|any|no)body\b/gi, why: 'no actor: "another buyer", "an operator", "no worker"' },
  { words: /\bone (?:that|who|which|without)\b/gi, why: '"one" of what? Name it' },
  { words: /\bvouch(?:es|ed|ing)?\b/gi, why: 'a metaphor: "checks"' },
  { words: /\bbeliev/gi, why: 'a metaphor: "accepts", "trusts"' },
  { words: /\b(?:go|goes|going|went|gone) on\b/gi, why: 'vague: "continues", "keeps running"' },
  { words: /\bhow (?:it|the sale|its sale) goes\b/gi, why: 'vague: "the progress of the sale"' },
  { words: /\b(?:at its|no) bound\b/gi, why: 'the term is "limit", and "full"' },
  { words: /\bin hand\b/gi, why: 'an idiom: "is working on", "has received"' },
  { words: /\b(?:is|are) asked\b/gi, why: 'who asks it? "the front sends it no commands"' },
  { words: /\bmend(?:s|ed|ing)?\b/gi, why: 'archaic: "fix", "repair"' },
  { words: /(?<!\bthere )\b(?:is|are) no (?!longer\b|more\b)/gi, why: 'archaic: "is not a"' },
  { words: /\bmeans? nothing\b/gi, why: 'vague: "has no effect", "is ignored"' },
];

/** `line "words": why` for every banned word of a text. */
export function bannedIn(text: string, firstLine = 1): string[] {
  return BANNED.flatMap(({ words, why }) =>
    [...text.matchAll(words)].map(({ 0: found, index }) => {
      const line = firstLine + text.slice(0, index).split('\n').length - 1;
      return `${line} "${found.trim()}": ${why}`;
    }),
  );
}

/** The same for the string literals of a program that hold a space: without one it is a slug, a kind or a module. */
export function bannedInStrings(path: string, text = read(path)): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) && textOf(node).includes(' ')) {
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
      found.push(...bannedIn(textOf(node), line).map((what) => `${path}:${what}`));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const textOf = (node: ts.StringLiteralLike | ts.TemplateExpression): string =>
  ts.isTemplateExpression(node)
    ? node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
    : node.text;

/** A document without its code: what stands between backquotes and fences is said by programs. */
export const prose = (text: string): string =>
  text
    .replaceAll(/^(```[\s\S]*?^```|<!-- \w+:begin[\s\S]*?:end -->)/gm, (block) => block.replaceAll(/[^\n]/g, ''))
    .replaceAll(/`[^`\n]*`/g, '`…`');
