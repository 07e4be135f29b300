// Every way a sale can break a promise, done to an honest one: the checker must be able to fail.
import { accepted, answered, type PastSale, refused, silence } from './past-sale.ts';

interface Breach {
  title: string;
  /** Turns the honest sale into one that broke this promise. */
  spoil: (sale: PastSale) => void;
  /** Every finding, as `promise name count`: nothing else may be found. */
  finds: string[];
  example: [name: string, text: RegExp];
}

export const BREACHES: Breach[] = [
  {
    title: 'a row that vanished is a lost ticket',
    spoil: (sale) => sale.rows.splice(2, 1),
    finds: ['P2 lost 1', 'P2 not issued at deadline 1'],
    example: ['lost', /u2 holds seq 3: no row, no dead letter/],
  },
  {
    title: 'a user with two rows was issued twice, and the second row is of no ticket’s unit',
    spoil: (sale) => {
      sale.stock = 7;
      sale.log.joins.push(accepted('u6', 7, 20));
      sale.log.joins.splice(6, 4);
      sale.rows.push({ ...sale.rows[0]!, unit: 7, code: 'CODE7' });
    },
    finds: ['P1 issued twice 1', 'P2 lost 1', 'P2 not issued at deadline 1'],
    example: ['issued twice', /u0 has units 1 and 7/],
  },
  {
    title: 'a unit given twice is over-issued',
    spoil: (sale) => {
      sale.rows[1]!.unit = 1;
      sale.log.sightings.find(({ user, status }) => user === 'u1' && status === 'issued')!.unit = 1;
    },
    finds: ['P1 over-issued 1'],
    example: ['over-issued', /unit 1 went to u0 and to u1/],
  },
  {
    title: 'a unit beyond the stock is over-issued',
    spoil: (sale) => {
      sale.rows.push({ ...sale.rows[5]!, unit: 7, user: 'u6', seq: 7, code: 'CODE7' });
      sale.log.joins[6] = accepted('u6', 7, 6);
    },
    finds: ['P1 over-issued 1', 'P1 over-accepted 1'],
    example: ['over-issued', /u6 has unit 7, of 1 to 6/],
  },
  {
    title: 'unit 0 is over-issued',
    spoil: (sale) => {
      sale.rows[0]!.unit = 0;
      sale.log.sightings[1]!.unit = 0;
    },
    finds: ['P1 over-issued 1'],
    example: ['over-issued', /u0 has unit 0, of 1 to 6/],
  },
  {
    title: 'a row of a user who was refused is a phantom',
    spoil: (sale) => {
      sale.rows[5]!.user = 'u9';
    },
    finds: ['P1 phantom rows 1', 'P2 lost 1', 'P2 not issued at deadline 1'],
    example: ['phantom rows', /u9 has unit 6 \(seq 6\) and was never given a ticket/],
  },
  {
    title: 'a user who got the answer sold out after a silence and has a row is a phantom too',
    spoil: (sale) => {
      sale.log.joins.splice(5, 1, silence('u5', 5), refused('u5', 9));
      sale.log.joins.push(accepted('u6', 7, 6));
      sale.log.sightings = sale.log.sightings.filter(({ user }) => user !== 'u5');
      sale.log.joins = sale.log.joins.filter(({ user, kind }) => user !== 'u6' || kind === 'accepted');
      sale.rows.push({ ...sale.rows[5]!, unit: 6, user: 'u6', seq: 7, code: 'CODE7' });
      sale.rows[5]!.unit = 5;
      sale.rows[4]!.unit = 6;
      sale.rows.splice(4, 1);
    },
    finds: ['P1 phantom rows 1', 'P2 lost 1', 'P2 not issued at deadline 1', 'P3 seq gaps 1'],
    example: ['phantom rows', /u5 has unit 5/],
  },
  {
    title: 'a ticket that is still queued at the deadline was not issued, though its row is there',
    spoil: (sale) => sale.log.sightings.splice(5, 1),
    finds: ['P2 not issued at deadline 1'],
    example: ['not issued at deadline', /u2 \(seq 3\) last got the answer queued/],
  },
  {
    title: 'a poll that told another code than the ledger’s told a wrong code',
    spoil: (sale) => {
      sale.log.sightings[1]!.code = 'OTHER';
    },
    finds: ['P2 wrong code 1'],
    example: ['wrong code', /u0 got code OTHER \(unit 1\), the ledger has CODE1 \(unit 1\)/],
  },
  {
    title: 'codes differ by case alone',
    spoil: (sale) => {
      sale.log.sightings[1]!.code = 'code1';
    },
    finds: ['P2 wrong code 1'],
    example: ['wrong code', /u0 got code code1/],
  },
  {
    title: 'one code for two users is a wrong code',
    spoil: (sale) => {
      sale.rows[1]!.code = 'CODE1';
      sale.log.sightings[3]!.code = 'CODE1';
    },
    finds: ['P2 wrong code 1'],
    example: ['wrong code', /u0 and u1 share code CODE1/],
  },
  {
    title: 'a cancellation that no buyer asked for is a breach, row or no row',
    spoil: (sale) => {
      sale.log.sightings[1]!.status = 'cancelled';
    },
    finds: ['P2 cancelled unasked 1'],
    example: ['cancelled unasked', /u0 got the answer cancelled/],
  },
  {
    title: 'an absurd seq is a gap, and does not take the memory with it',
    spoil: (sale) => {
      sale.log.joins[5]!.seq = 2 ** 47;
      sale.rows[5]!.seq = 2 ** 47;
    },
    finds: ['P3 seq gaps 100000'],
    example: ['seq gaps', /seq 6 of 140737488355328 was never given/],
  },
  {
    title: 'a ticket the service no longer knows was disowned',
    spoil: (sale) => {
      sale.log.sightings[0]!.status = 'not-found';
    },
    finds: ['P4 disowned 1'],
    example: ['disowned', /u0 polled and got 404/],
  },
  {
    title: 'a second ticket for the same user was accepted twice',
    spoil: (sale) => {
      sale.log.joins.push({ ...answered('u0', 'known', 200, 30), ticket: 'another', seq: 1 });
    },
    finds: ['P4 accepted twice 1'],
    example: ['accepted twice', /u0 was given 2 tickets in 1 answers 202 \(seqs 1\)/],
  },
  {
    title: 'a second 202 for the same ticket was accepted twice',
    spoil: (sale) => sale.log.joins.push(accepted('u0', 1, 30)),
    finds: ['P4 accepted twice 1'],
    example: ['accepted twice', /u0 was given 1 tickets in 2 answers 202/],
  },
  {
    title: 'a holder who is told sold out was refused',
    spoil: (sale) => sale.log.joins.push(refused('u0', 30)),
    finds: ['P4 refused a holder 1'],
    example: ['refused a holder', /u0 holds a ticket and got the answer sold out/],
  },
  {
    title: 'a seq that nobody was given is a gap',
    spoil: (sale) => {
      sale.log.joins[5]!.seq = 8;
      sale.rows[5]!.seq = 8;
    },
    finds: ['P3 seq gaps 2'],
    example: ['seq gaps', /seq 6 of 8 was never given/],
  },
  {
    title: 'a seq of two users is no order',
    spoil: (sale) => {
      sale.log.joins[5]!.seq = 5;
      sale.rows[5]!.seq = 5;
    },
    finds: ['P3 seq gaps 1'],
    example: ['seq gaps', /seq 5 is of u4 and of u5/],
  },
  {
    title: 'a row with another seq than the ticket’s was issued out of name',
    spoil: (sale) => {
      sale.rows[5]!.seq = 60;
    },
    finds: ['P3 issued out of name 1'],
    example: ['issued out of name', /u5 holds seq 6, the row says 60/],
  },
  {
    title: 'a stock that is not sold out though buyers were refused broke the order',
    spoil: (sale) => {
      sale.stock = 7;
    },
    finds: ['P3 refused too early 4'],
    example: ['refused too early', /u6 got the answer sold out with 6 of 7 units taken at most/],
  },
  {
    title: 'a buyer refused before the last holder had even asked was refused too early',
    spoil: (sale) => {
      sale.log.joins[9] = refused('u9', 4);
    },
    finds: ['P3 refused too early 1'],
    example: ['refused too early', /u9 got the answer sold out with 5 of 6 units taken at most/],
  },
  {
    title: 'a 404 or a 422 to a join of an open campaign is outside the contract',
    spoil: (sale) => {
      sale.log.joins.push(answered('u6', 'not-found', 404, 30), answered('u7', 'unexpected', 422, 31));
    },
    finds: ['P6 outside contract 2'],
    example: ['outside contract', /u6 got the answer 404/],
  },
];
