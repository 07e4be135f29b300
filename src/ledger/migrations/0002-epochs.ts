// The book of epochs: when a gate was found again after Redis had been away, by whom, and what was found.
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

export const epochs: Migration = {
  up: async (db) => {
    await sql`create table if not exists epochs (
      campaign varchar(63) not null,
      epoch int unsigned not null,
      reason varchar(16) not null,
      worker varchar(128) not null,
      began_at datetime(3) not null default current_timestamp(3),
      opened_at datetime(3) null,
      after_seq bigint unsigned null,
      known_count int unsigned null,
      survived_count int unsigned null,
      free_count int unsigned null,
      primary key (campaign, epoch),
      constraint epochs_reason check (reason in ('unverified', 'damaged', 'missing', 'repair'))
    ) engine = InnoDB default character set = ascii collate = ascii_bin row_format = dynamic`.execute(db);
  },
};
