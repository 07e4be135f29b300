/** `then` of a value: in the same turn when it is there, later when it is promised. A promise costs a poll a tenth. */
export const inTurn = <V, R>(value: V | Promise<V>, then: (value: V) => R | Promise<R>): R | Promise<R> =>
  value instanceof Promise ? value.then(then) : then(value);
