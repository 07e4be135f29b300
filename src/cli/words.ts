// Numbers as a person reads them.

/** `1,200`. */
export const whole = (value: number): string => value.toLocaleString('en-US');

/** `1 unit`, `1,200 units`. */
export const counted = (value: number, noun: string): string => `${whole(value)} ${noun}${value === 1 ? '' : 's'}`;
