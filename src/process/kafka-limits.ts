// Limits of the way through Kafka. Sizes in the unit of the name.
export const kafkaLimits = {
  /** A request that is not answered for this long is given up; a broker that stands still must not hold a worker for longer. */
  kafkaRequestMs: 5_000,
  kafkaConnectMs: 3_000,
  /** The client asks this often again, after this long, before it says that something failed; then the caller goes on trying. */
  kafkaRetriesMax: 2,
  kafkaRetryMs: 200,
  /** A fetch that found nothing is answered after this long: a partition that was just assigned waits as long for its first fetch. */
  kafkaFetchWaitMs: 500,
  /** Bytes of one partition in one fetch, or one batch of records: some 2,000 tickets, which take a worker 5 ms to read. */
  kafkaFetchBytesMax: 262_144,
  /** Bytes of one record: 500 tickets take some 70,000, with the longest user ids and traces more. */
  kafkaRecordBytesMax: 262_144,
  /** Bytes of one partition in one produce request: half of what Kafka takes as one batch (1 MB). */
  kafkaSendBytesMax: 524_288,
  /** The least `max.message.bytes` of the topic: a batch of that size, and what Kafka writes beside it. */
  kafkaMessageBytesMin: 1_000_000,
  /** Tickets of one partition that were fetched and whose offset is not committed: what a crash delivers again, 300 bytes each. */
  kafkaWindowMax: 20_000,
  /** Offsets are committed at most this often: the gate knows what is settled, a commit only saves fetches after a crash. */
  kafkaCommitMs: 250,
  /** A worker that is silent for this long loses its partitions; long enough for a broker that is started again. */
  kafkaSessionMs: 10_000,
  kafkaHeartbeatMs: 2_000,
  /** How long a member may take to come back into a group whose partitions move. */
  kafkaRebalanceMs: 30_000,
  /** How long the relay outlives its last renewal, and how often it renews: another worker carries on as soon. */
  relayLeaseMs: 5_000,
  relayRenewMs: 1_000,
  /** A worker asks this often whether it is its turn to be the relay. */
  relayTakeMs: 500,
  /** The relay reads a few entries this often and no sooner: a record of one ticket costs as much as a record of hundreds. */
  relayPaceMinMs: 20,
  /** It waits 1 ms for each so many entries a second, so that a round carries more of them the faster they come: 20 ms at 2,000. */
  relayPacePerSecond: 100,
  /** And no longer than this, reached at 8,000 entries a second: a buyer sees 0.1 s as at once. */
  relayPaceMaxMs: 80,
  /** The relay notes this often how far it is: what it carried since, the next relay carries again. */
  relayNoteMs: 250,
  /** The relay asks the brokers this often how far the workers are behind: two requests. */
  relayLagMs: 5_000,
  /** Entries in line and none new: the relay looks again this soon, since entries behind others are not announced. */
  relayLookMaxMs: 20,
  /** How long a person's question about the lag may take: less than `statusPartMs`, so that the status has the reason. */
  kafkaAskMs: 2_000,
  /** The outbox is looked at this often while it is empty: services hear of a ticket half a second after its row. */
  outboxLookMs: 500,
  /** Entries in one reading of the outbox, up to 60 kB each, and in one produce request. */
  outboxReadMax: 100,
  outboxSendMax: 8,
  /** The outbox is counted this often. */
  outboxSizeMs: 15_000,
  /** What no service could be told for this long is removed: 7 days, the time that a topic keeps tickets unless it is set. */
  outboxKeptMs: 604_800_000,
  /** Pending entries of a shard that are looked at for lost ones in one round. */
  lostEntriesMax: 1_000,
};
