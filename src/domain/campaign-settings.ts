// The settings of a campaign, a row each. Types, ledger, gate, admin API and command line follow the rows. What is special
// to a setting stands where it is decided: the defaults of name and burst, the order of the times, stock and its tranches.

interface Common {
  /** In every type, in the API and in the audit log. */
  name: string;
  /** In the ledger's table `campaigns`. */
  column: string;
  /** In the gate's hash. */
  gateField: string;
  /** Whether `PATCH` takes it: stock grows by tranches, and shards are fixed for life. */
  changeable: boolean;
  /** On the command line, without the dashes. */
  option: string;
  /** On the command line. */
  help: string;
  /** In the API's document. */
  description?: string;
  /** What the command `show` calls it; a setting without one is shown in another line. */
  label?: string;
}

/** The rule is in campaign-name.ts. */
export interface NameSetting extends Common {
  kind: 'name';
  example: string;
}

/** Epoch ms, or null. ISO 8601 in the API and on the command line. */
export interface InstantSetting extends Common {
  kind: 'instant';
  default: null;
  example: string;
  /** What the command `show` shows for null. */
  none: string;
}

export interface IntegerSetting extends Common {
  kind: 'integer';
  min: number;
  /** The limit in src/process/limits.ts. */
  max: 'stockMax' | 'rateMax' | 'shardsMax';
  /** Where there is none, a campaign needs the setting, or takes it from others: see {@link newSettings}. */
  default?: number;
  /** What it counts; the command `show` adds the plural. */
  unit?: string;
  /** What the command `show` shows for 0. */
  none?: string;
}

/** In the order in which the API shows them. */
export const SETTINGS = [
  {
    name: 'name',
    kind: 'name',
    column: 'name',
    gateField: 'name',
    changeable: true,
    option: 'name',
    help: 'the name that buyers see; default: the id',
    example: 'Spring sale',
  },
  {
    name: 'stock',
    kind: 'integer',
    min: 1,
    max: 'stockMax',
    column: 'stock',
    gateField: 'stock',
    changeable: false,
    option: 'stock',
    help: 'units for sale',
  },
  {
    name: 'opensAt',
    kind: 'instant',
    default: null,
    column: 'opens_at',
    gateField: 'opens_at',
    changeable: true,
    option: 'opens-at',
    help: 'when the sale opens',
    example: '2026-12-24T09:00:00Z',
    label: 'opens',
    none: 'when it was created',
  },
  {
    name: 'closesAt',
    kind: 'instant',
    default: null,
    column: 'closes_at',
    gateField: 'closes_at',
    changeable: true,
    option: 'closes-at',
    help: 'when the sale ends',
    description: 'Must be after opensAt, else the answer is 409',
    example: '2026-12-24T21:00:00Z',
    label: 'closes',
    none: 'no time set',
  },
  {
    name: 'ratePerSecond',
    kind: 'integer',
    min: 0,
    max: 'rateMax',
    default: 0,
    column: 'rate_per_second',
    gateField: 'rate',
    changeable: true,
    option: 'rate',
    help: 'how many joins are admitted per second; 0: no limit',
    description: 'Joins that are admitted per second; 0 for no limit',
    label: 'rate',
    unit: 'join',
    none: 'no limit',
  },
  {
    name: 'burst',
    kind: 'integer',
    min: 1,
    max: 'rateMax',
    column: 'burst',
    gateField: 'burst',
    changeable: true,
    option: 'burst',
    help: 'how many joins may be admitted at once under --rate; default: one second of the rate',
    description:
      'Joins that may be admitted at once. Default: as many as ratePerSecond admits in one second. Needs a ratePerSecond above 0',
  },
  {
    name: 'backlogMax',
    kind: 'integer',
    min: 0,
    max: 'stockMax',
    default: 0,
    column: 'backlog_max',
    gateField: 'backlog_max',
    changeable: true,
    option: 'backlog-max',
    help: 'how many tickets may wait to be issued; 0: no limit',
    description: 'Tickets that may wait to be issued; 0 for no limit',
    label: 'backlog max',
    unit: 'ticket',
    none: 'no limit',
  },
  {
    name: 'shards',
    kind: 'integer',
    min: 1,
    max: 'shardsMax',
    // One worker drains eight streams 13 % faster than four; each is a key more to read.
    default: 8,
    column: 'shards',
    gateField: 'shards',
    changeable: false,
    option: 'shards',
    help: 'number of work streams; it cannot be changed later',
    label: 'shards',
  },
] as const satisfies readonly (NameSetting | InstantSetting | IntegerSetting)[];

export type Setting = (typeof SETTINGS)[number];
type Kind = Setting['kind'];
type SettingOf<K extends Kind> = Extract<Setting, { kind: K }>;
type Valued<S extends Setting, Values extends Record<Kind, unknown>> = { [R in S as R['name']]: Values[R['kind']] };

/** Times are epoch ms. */
export type CampaignSettings = Valued<Setting, { name: string; instant: number | null; integer: number }>;
/** As the API answers them. Times are ISO 8601. */
export type WrittenSettings = Valued<Setting, { name: string; instant: string | null; integer: number }>;
/** Settings of which each may be left out. */
export type GivenSettings<N extends Setting['name']> = { [Name in N]?: CampaignSettings[Name] | undefined };

/** What a `PATCH` takes. */
export const CHANGEABLE = SETTINGS.filter((setting) => setting.changeable);

/** What only the creation of a campaign takes; not the stock, which grows. */
export const FIXED = SETTINGS.filter((setting) => !setting.changeable && setting.name !== 'stock');

/** The settings of this kind, in the order of the table. */
export const ofKind = <K extends Kind>(kind: K): SettingOf<K>[] =>
  SETTINGS.filter((setting): setting is SettingOf<K> => setting.kind === kind);

/** What a gate follows while it lives, by kind. It gets its shards when it is made: they decide where its entries are. */
export const FOLLOWED = [...ofKind('name'), ...ofKind('instant'), ...ofKind('integer')].filter(
  (setting) => setting.name !== 'shards',
);

/** An object with a value for each of these settings, made by its kind, under its name, column or option. */
export function mapSettings<
  S extends Setting,
  Key extends 'name' | 'column' | 'option',
  Make extends { [K in S['kind']]: (setting: Extract<S, { kind: K }>) => unknown },
>(settings: readonly S[], key: Key, make: Make): { [R in S as R[Key]]: ReturnType<Make[R['kind']]> } {
  // The signature checks the callers; within, the compiler cannot follow a setting to the function of its kind.
  const makeOf: Record<string, (setting: never) => unknown> = make;
  const made: Record<string, unknown> = {};
  for (const setting of settings) made[setting[key]] = makeOf[setting.kind]!(setting as never);
  return made as ReturnType<typeof mapSettings<S, Key, Make>>;
}
