// How much of what takes long may be under way for one address, so that one client does not take it all.

/** How many of something may be under way for one address; an undefined address has no bound. */
export interface AddressPlaces {
  isFull(address: string | undefined): boolean;
  enter(address: string | undefined): void;
  leave(address: string | undefined): void;
}

export function createAddressPlaces(max: number): AddressPlaces {
  const counts = new Map<string | undefined, number>();
  return {
    isFull: (address) => address !== undefined && (counts.get(address) ?? 0) >= max,
    enter: (address) => void counts.set(address, (counts.get(address) ?? 0) + 1),
    leave(address) {
      const left = counts.get(address)! - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    },
  };
}
