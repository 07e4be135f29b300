/** The fields of a stream entry, as Redis lists them: name, value, name, value. Names may be anything, `__proto__` too. */
export function pairs(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i]!] = flat[i + 1]!;
  return fields;
}
