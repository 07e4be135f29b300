// What an expression of PromQL asks for, by Prometheus's own grammar.
import { parser } from '@prometheus-io/lezer-promql';

export interface Asked {
  /** Names of metrics, and of recorded series (with a colon). */
  metrics: Set<string>;
  /** Values that a label is compared with, by the label; only of `=` and of alternatives of `=~` without wildcards. */
  labels: Map<string, Set<string>>;
}

/** Throws where the text is no expression. */
export function askedBy(expression: string): Asked {
  const metrics = new Set<string>();
  const labels = new Map<string, Set<string>>();
  parser.parse(expression).iterate({
    enter({ name, type, from, to, node }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.add(text);
      const matcher = name === 'UnquotedLabelMatcher' ? /^(\w+)(=~?)"([\w\-|]*)"$/.exec(text) : null;
      if (matcher === null) return;
      const values = labels.get(matcher[1]!) ?? new Set();
      for (const value of matcher[3]!.split('|')) values.add(value);
      labels.set(matcher[1]!, values);
    },
  });
  return { metrics, labels };
}
