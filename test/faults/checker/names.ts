// How keys of a campaign are called, written down a second time on purpose: a checker that shares code with the service
// shares its mistakes.
import { crc32 } from 'node:zlib';

const LANES = '04s 15s 26s 37s 40s 51s 62s 73s 8wz 9vz 10qn 11pn 12j9 13k9 14un 15tn'.split(' ');

export const hashTagOfCampaign = (campaign: string): string => LANES[crc32(campaign) % LANES.length]!;

export const keyOfCampaign = (campaign: string, rest: string): string =>
  `sluice:{${hashTagOfCampaign(campaign)}}:${campaign}:${rest}`;
