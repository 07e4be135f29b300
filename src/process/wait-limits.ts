// The limits of long-polls and event streams, each with its reason; a part of limits.ts.

export const waitLimits = {
  /** Open long-polls and event streams per front; each costs a socket and a look per watermark read. */
  waitersMax: 20_000,
  /** A front looks at the waits of a campaign whose gate does not change this often: it finds changes that no reading shows. */
  waitsRestMs: 10_000,
  /** Of one ticket: a buyer's tabs and phone, and a connection that a proxy has not yet given up. */
  waitsPerTicketMax: 4,
  /** Of one user over all tickets: four campaigns at a time, with every tab. */
  waitsPerIdentityMax: 16,
  /** A ticket in a worker's hands or being retried is asked for this often while its client waits. */
  waitAskMs: 250,
  /** A front checks this often whether the connection of a wait is gone; Node nearly always reports that before. */
  waitGoneMs: 10_000,
  /** Questions for waiting clients in flight: when thousands change at once, joins must not queue behind all of them. */
  waitQuestionsMax: 256,
  /**
   * Streams that hear of another place after one reading: 500 events a second take 3 % of a core, and up to 500 streams
   * hear each second. Of 10,000 each hears every 20 s, about as often as a poll would ask. A change of status is no place.
   */
  placesToldMax: 50,
  /** The same while the event loop has no time left: joins come first, and of 10,000 streams each hears every 100 s. */
  placesToldMin: 10,
  /** Shares of its time that an event loop is busy: up to the one all of them hear, and from the other on the fewest. */
  placesCalmShare: 0.3,
  placesBusyShare: 0.7,
  /** What proxies wait for a word of ours by default: HAProxy as Debian configures it 50 s, nginx 60 s. */
  proxySilenceMs: 50_000,
  longPollMaxMs: 30_000,
  /** A stream tells of a new place this often at most; at the back of the queue as rarely as a poll would ask. */
  streamEventMs: 1_000,
  /** A comment to each stream this often: two may be late before a proxy takes the stream for dead. */
  heartbeatMs: 15_000,
  /** The streams beat in this many groups: with 20,000 of them 333 comments, a few ms, every 250 ms. */
  heartbeatSlots: 60,
  /** A stream is asked for again after this long: until then nobody looks at its token, nor sees fronts that were added. */
  streamMaxMs: 600_000,
} as const;
