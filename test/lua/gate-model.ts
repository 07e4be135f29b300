// The gate as plainly as it can be said: what `lua/admit.lua` must decide, written without looking at how it does.

export interface ModelSettings {
  stock: number;
  rate: number;
  burst: number;
  backlogMax: number;
  opensAt: number;
  closesAt: number;
}

export interface ModelDecision {
  kind: string;
  seq: number;
  unit: number;
  admittedAt: number;
}

export class GateModel {
  settings: ModelSettings;
  state: 'active' | 'paused' | 'closed' = 'active';
  seq = 0;
  nextUnit = 0;
  settled = 0;
  free: number[] = [];
  holders = new Map<string, { seq: number; unit: number; admittedAt: number }>();
  /** Millionths of a token. */
  level: number;
  filledAtUs: number;

  constructor(settings: ModelSettings, nowUs: number) {
    this.settings = settings;
    this.level = settings.burst * 1_000_000;
    this.filledAtUs = nowUs;
  }

  get remaining(): number {
    return this.settings.stock - this.nextUnit + this.free.length;
  }

  join(users: readonly string[], nowUs: number, deadline: number): ModelDecision[] {
    const now = Math.floor(nowUs / 1_000);
    const { rate, burst } = this.settings;
    let level = this.level;
    if (rate > 0) level = Math.min(burst * 1_000_000, level + this.refill(nowUs));
    const decisions = users.map((user) =>
      this.decide(user, now, deadline, level >= 1_000_000 || rate === 0, () => {
        level -= rate > 0 ? 1_000_000 : 0;
      }),
    );
    if (decisions.some(({ kind }) => kind === 'admitted')) {
      this.level = level;
      this.filledAtUs = nowUs;
    }
    return decisions;
  }

  private refill(nowUs: number): number {
    const fullAfterUs = Math.ceil((this.settings.burst * 1_000_000) / this.settings.rate);
    const elapsedUs = nowUs - this.filledAtUs;
    const wasSetBack = elapsedUs < -1_000_000;
    return (wasSetBack ? fullAfterUs : Math.min(Math.max(0, elapsedUs), fullAfterUs)) * this.settings.rate;
  }

  private decide(user: string, now: number, deadline: number, hasToken: boolean, spend: () => void): ModelDecision {
    const refuse = (kind: string): ModelDecision => ({ kind, seq: 0, unit: 0, admittedAt: 0 });
    if (deadline > 0 && now > deadline) return refuse('expired');
    const held = this.holders.get(user);
    if (held) return { kind: 'known', ...held };
    if (this.state === 'closed' || (this.settings.closesAt > 0 && now >= this.settings.closesAt))
      return refuse('ended');
    if (this.state === 'paused') return refuse('paused');
    if (now < this.settings.opensAt) return refuse('not-open');
    if (this.remaining === 0) return refuse('sold-out');
    if (!hasToken) return refuse('throttled');
    if (this.settings.backlogMax > 0 && this.seq - this.settled >= this.settings.backlogMax)
      return refuse('backlogged');
    spend();
    this.seq += 1;
    const unit = this.free.shift() ?? ++this.nextUnit;
    const admission = { seq: this.seq, unit, admittedAt: now };
    this.holders.set(user, admission);
    return { kind: 'admitted', ...admission };
  }
}
