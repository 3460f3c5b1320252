-- Operations that clients have published: callers name one by its hash instead of sending it.
create table operation (
  -- sha256 of the text, in hex
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  -- who sends it: an app, a service; two may publish the same text
  client text not null,
  text text not null,
  -- of the operations in it, for people
  names text[] not null,
  published_by text not null,
  published_at timestamptz not null default clock_timestamp(),
  retired_at timestamptz,
  -- to the hour
  last_used_at timestamptz,
  primary key (hash, client)
);
