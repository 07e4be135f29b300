// How well a ticket that was answered is kept: in the memory of Redis, on the disk of its primary, on a replica as well.

export const DURABILITIES = ['memory', 'disk', 'replica', 'disk+replica'] as const;

export type Durability = (typeof DURABILITIES)[number];

/** The answer waits until the primary has written it to disk, which is a setting of Redis (`appendfsync always`). */
export const waitsForDisk = (durability: Durability): boolean => durability.startsWith('disk');

/** The answer waits until a replica has confirmed it. */
export const waitsForReplica = (durability: Durability): boolean => durability.endsWith('replica');
