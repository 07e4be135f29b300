// Questions of the same kind that are asked while one is under way go together as one: what ten thousand campaigns ask of
// a store in the same second is then a few statements. Nobody waits for others to come, and no answer is older than its
// question.

export interface TogetherOptions<K, V> {
  /** Questions that go together at most. */
  countMax: number;
  /** The answers in the order of the questions. */
  many: (questions: readonly K[]) => Promise<V[]>;
  /** Whether each question by itself would meet the same error: a store that is away. */
  isShared: (error: unknown) => boolean;
}

interface Asked<K, V> {
  question: K;
  resolve: (answer: V) => void;
  reject: (error: unknown) => void;
}

/** Returns how to ask. What fails together is asked one by one, so that one question does not fail the others. */
export function together<K, V>({ countMax, many, isShared }: TogetherOptions<K, V>): (question: K) => Promise<V> {
  const waiting: Asked<K, V>[] = [];
  let isUnderWay = false;

  async function answer(asked: readonly Asked<K, V>[]): Promise<void> {
    try {
      const answers = await many(asked.map(({ question }) => question));
      for (const [index, { resolve }] of asked.entries()) resolve(answers[index]!);
    } catch (error) {
      if (asked.length > 1 && !isShared(error)) for (const one of asked) await answer([one]);
      else for (const { reject } of asked) reject(error);
    }
  }

  async function answerAll(): Promise<void> {
    isUnderWay = true;
    while (waiting.length > 0) await answer(waiting.splice(0, countMax));
    isUnderWay = false;
  }

  return (question) => {
    const { promise, resolve, reject } = Promise.withResolvers<V>();
    waiting.push({ question, resolve, reject });
    if (!isUnderWay) void answerAll();
    return promise;
  };
}
