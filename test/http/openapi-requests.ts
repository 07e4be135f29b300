// Good requests made of what an OpenAPI document says, as a beginning for bad ones.
import { type Dice, pick } from './dice.ts';
import type { RawRequest } from './raw.ts';

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  example?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  allOf?: Schema[];
  minimum?: number;
  required?: string[];
  properties?: Record<string, Schema>;
}

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

export interface Document {
  paths: Record<string, Record<string, OperationText>>;
  components: { schemas: Record<string, Schema> };
}

interface OperationText {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
}

export interface Operation {
  method: string;
  path: string;
  /** What its document says may be answered. */
  statuses: number[];
  parameters: Parameter[];
  /** Names of the body's fields; empty when it takes none. */
  fields: string[];
  body: (dice: Dice) => Record<string, unknown> | undefined;
}

export function operationsOf({ paths, components }: Document): Operation[] {
  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.split('/').at(-1);
    const parts = [
      name === undefined ? schema : resolve(components.schemas[name]!),
      ...(schema.allOf ?? []).map(resolve),
    ];
    return Object.assign({}, ...parts) as Schema;
  };
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { parameters = [], requestBody, responses }]) => {
      const given = requestBody?.content['application/json']?.schema;
      const schema = given && resolve(given);
      return {
        method: method.toUpperCase(),
        path,
        statuses: Object.keys(responses).map(Number),
        parameters,
        fields: Object.keys(schema?.properties ?? {}),
        body: (dice: Dice) => schema && (sample(schema, resolve, dice) as Record<string, unknown>),
      };
    }),
  );
}

/** A value that the schema takes, or nearly so. */
function sample(given: Schema, resolve: (schema: Schema) => Schema, dice: Dice): unknown {
  const schema = resolve(given);
  if (schema.anyOf) return sample(pick(dice, schema.anyOf), resolve, dice);
  if (schema.enum) return pick(dice, schema.enum);
  const type = [schema.type ?? 'object'].flat()[0];
  if (type === 'object') {
    const entries = Object.entries(schema.properties ?? {});
    const wanted = entries.filter(([name]) => schema.required?.includes(name) || dice() < 0.4);
    return Object.fromEntries(wanted.map(([name, of]) => [name, sample(of, resolve, dice)]));
  }
  if (type === 'integer' || type === 'number') return Math.max(schema.minimum ?? 0, 1);
  if (schema.format === 'date-time') return '2030-01-01T00:00:00Z';
  if (type === 'string') return schema.example ?? 'x';
  return type === 'array' ? [] : type === 'boolean';
}

export interface Filling {
  /** Values of path parameters by name, and of headers. */
  values: Record<string, string>;
  headers: readonly (readonly [string, string])[];
}

/** The good request of an operation. */
export function requestOf(operation: Operation, { values, headers }: Filling, dice: Dice): RawRequest {
  const body = operation.body(dice);
  const named = operation.parameters
    .filter((parameter) => parameter.in === 'header' && (parameter.required || dice() < 0.5))
    .map(({ name }) => [name, values[name] ?? 'x'] as const);
  return {
    method: operation.method,
    path: operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x'),
    headers: [...headers, ...named, ...(body ? [['content-type', 'application/json'] as const] : [])],
    ...(body ? { body: JSON.stringify(body) } : {}),
  };
}
