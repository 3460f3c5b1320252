-- Where a sink of the feed that keeps its own place stands: told for metrics and traces, and the place to go on from when the
-- sink itself no longer holds any event.
create table sink (
  name text primary key,
  -- the feed that it is of
  feed uuid not null,
  -- everything up to here is there
  position bigint not null,
  -- positions that expired before they were published
  missed bigint not null default 0,
  -- when it was last saved, by whoever publishes
  updated_at timestamptz not null default clock_timestamp()
);
