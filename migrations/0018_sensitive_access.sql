-- Who saw or changed values of fields marked @sensitive: never the values themselves. Reads are noted by the processes
-- that answer and written each second; changes by stewards in the transaction that makes them.
create table sensitive_access (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  actor text not null,
  correlation_id text not null,
  -- "query CustomerCard", "subscription", "webhook", "MERGE"
  operation text not null,
  -- FIELD, PROVENANCE, HISTORY, SOURCE, EXPLAIN, FEED, SNAPSHOT, WEBHOOK, STEWARDSHIP, EXCEPTION or CHANGE
  through text not null,
  type text not null,
  fields text[] not null,
  -- golden ids and keys of source records; these are of one kind, so a golden record is found by the keys of its records
  ids uuid[] not null,
  -- so many more, whose ids were not kept
  more integer not null default 0
);
create index sensitive_access_ids on sensitive_access using gin (ids) with (fastupdate = on);
create index sensitive_access_at on sensitive_access (at, id);
create index sensitive_access_actor on sensitive_access (actor, id);
