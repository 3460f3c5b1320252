-- A store that went back (a restored backup, a standby that lacked the last commits) gives positions out again. An
-- epoch says which history a position is of. A cursor names its epoch, and is good up to where a later epoch began.
create table feed_epoch (
  id uuid primary key default gen_random_uuid(),
  -- in the order in which they began
  number integer generated always as identity unique,
  -- the feed's name as it was: a feed that was given another name knows none of the epochs before
  feed uuid not null,
  -- positions up to this one belong to the epochs before it
  began_after bigint not null,
  reason text not null,
  at timestamptz not null default clock_timestamp()
);

alter table feed_head
  -- the epoch of the next position
  add column epoch uuid,
  -- which transaction wrote the row of the epoch: another one where the rows were read from a dump
  add column epoch_xid bigint,
  -- what feed_server() returned when the epoch began; null: the epoch ends with the next use
  add column server text;

-- Cursors of earlier versions name the feed, so the first epoch has its name.
insert into feed_epoch (id, feed, began_after, reason) select feed, feed, 0, 'FIRST' from feed_head;
update feed_head set epoch = feed;
alter table feed_head alter column epoch set not null;

-- Names this run of the database server, and the database. Whatever goes back, short of the server's memory, starts
-- the server again or makes another database. The time of the reset tells a crash of one backend, after which
-- commits with synchronous_commit = off may be gone.
create function feed_server() returns text language sql stable as $$
  select concat_ws(' ', extract(epoch from pg_postmaster_start_time()),
    extract(epoch from pg_stat_get_bgwriter_stat_reset_time()),
    (select oid from pg_database where datname = current_database()))
$$;
