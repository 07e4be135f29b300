// How long functions are, by the compiler's parser.
import ts from 'typescript';
import { read } from './sources.ts';

export interface LongFunction {
  path: string;
  line: number;
  name: string;
  lines: number;
}

/** Every function of this text, with its lines from its first word to its closing bracket. */
export function functionsOf(path: string, text = read(path)): LongFunction[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: LongFunction[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
      const last = file.getLineAndCharacterOfPosition(node.end).line;
      found.push({ path, line: first + 1, name: nameOf(node), lines: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function nameOf(node: ts.SignatureDeclaration): string {
  const named = [node, node.parent].find((it) => 'name' in it && it.name !== undefined);
  return named === undefined ? '(no name)' : ((named as ts.NamedDeclaration).name as ts.Identifier).getText();
}
