// Which campaigns share a hash tag. A campaign's keys and the line of its lane are in one slot, so that one script keeps both.
import { crc32 } from 'node:zlib';

/**
 * The hash tags of the lanes, by number: each begins with it, and their slots are 1,024 apart, half of that from the ends. They
 * spread evenly over up to 16 primaries. What is stored under one is found under no other: they never change.
 */
export const LANE_TAGS = [
  ...['04s', '15s', '26s', '37s', '40s', '51s', '62s', '73s'],
  ...['8wz', '9vz', '10qn', '11pn', '12j9', '13k9', '14un', '15tn'],
] as const;

/** The number of a campaign's lane. */
export const laneOf = (campaign: string): number => crc32(campaign) % LANE_TAGS.length;
