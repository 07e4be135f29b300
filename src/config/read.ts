// Reads settings one by one, so that a wrong one does not hide the others.
import { type SettingName, type Settings, settings } from './settings.ts';

export type Environment = Record<string, string | undefined>;

export interface ReadSettings {
  /** Defaults filled in; a setting that is wrong is left out. */
  values: Partial<Settings>;
  /** Settings that hold something, right or wrong. */
  given: ReadonlySet<SettingName>;
  /** `NAME: what is wrong with it`. */
  problems: string[];
}

/** Blanks around a value are no part of it (a file with Windows line ends leaves one); one of blanks alone is unset. */
export function readEach<N extends SettingName>(environment: Environment, names: readonly N[]): ReadSettings {
  const values: Record<string, unknown> = {};
  const given = new Set<SettingName>();
  const problems: string[] = [];
  for (const name of names) {
    const text = environment[name]?.trim() || undefined;
    if (text !== undefined) given.add(name);
    const parsed = settings[name].safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(...parsed.error.issues.map(({ message }) => `${name}: ${message}`));
  }
  return { values, given, problems };
}

/** A text that lists all problems, for a person. */
export const listed = (problems: readonly string[]): string =>
  `The configuration has ${problems.length} problem(s):\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
