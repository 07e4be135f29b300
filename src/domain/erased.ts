// The pseudonym in place of a buyer's id that was erased.

/** Two colons: an id of a buyer that begins like this is made in no shop that is known. The rest is 96 random bits. */
export const ERASED_PREFIX = 'erased::';

export const isErased = (user: string): boolean => /^erased::[0-9a-f]{24}$/.test(user);
