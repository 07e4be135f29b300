// What other services are to be told, one row for each batch of tickets; see src/outbox/port.ts.
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A row leaves once it was told. `tickets` is JSON, at most some 60 kB for 500 tickets. */
export const outbox: Migration = {
  up: async (db) => {
    await sql`create table if not exists outbox (
      id bigint unsigned not null auto_increment,
      campaign varchar(63) character set ascii collate ascii_bin not null,
      what varchar(16) character set ascii collate ascii_bin not null,
      tickets mediumtext character set ascii collate ascii_bin not null,
      at datetime(3) not null default current_timestamp(3),
      primary key (id),
      constraint outbox_what check (what in ('issued', 'cancelled'))
    ) engine = InnoDB default character set = ascii collate = ascii_bin row_format = dynamic`.execute(db);
  },
};
