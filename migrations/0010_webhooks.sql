-- Outbound webhooks. The feed itself is the queue: an endpoint has a place in it, and those golden records for which a
-- delivery failed have a place of their own until they have caught up. No event is copied.

create table webhook (
  id uuid primary key default gen_random_uuid(),
  url text not null,
  description text not null,
  -- the filter of the feed, as a subscription has it
  filter jsonb not null,
  -- major version of the event schema
  schema_version integer not null,
  -- what its payloads may show: scopes that whoever registered it had
  scopes text[] not null,
  state text not null check (state in ('ACTIVE', 'DISABLED')),
  -- why it is disabled
  because text,
  -- counts the changes of what is above and of the secrets; who delivers begins anew with each
  revision integer not null default 1,
  actor text not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  -- every event up to here was delivered, did not pass the filter, is dead, or waits behind a parked one
  position bigint not null,
  -- positions that expired before they were delivered
  missed bigint not null default 0,
  -- the circuit breaker: failures in a row; how often in a row it opened; until when nothing is sent
  failures integer not null default 0,
  opened integer not null default 0,
  paused_until timestamptz,
  -- the process that delivers, for as long as it says so; by the clock of the database
  leased_by uuid,
  leased_until timestamptz
);

-- Those without an end are in force; one with an end was rotated out and still signs until then.
create table webhook_secret (
  id bigint generated always as identity primary key,
  webhook uuid not null references webhook on delete cascade,
  sealed bytea not null,
  until timestamptz
);
create index webhook_secret_webhook on webhook_secret (webhook);

-- Golden records whose next event failed. Their later events up to webhook.position wait behind it, in the feed.
create table webhook_parked (
  webhook uuid not null references webhook on delete cascade,
  golden_id uuid not null,
  -- the event that is tried next
  position bigint not null,
  attempts integer not null,
  first_at timestamptz,
  next_at timestamptz not null,
  primary key (webhook, golden_id)
);

-- The delivery log: one row for each event that an endpoint was sent, or is to be sent again.
create table webhook_delivery (
  webhook uuid not null references webhook on delete cascade,
  position bigint not null,
  golden_id uuid not null,
  version integer not null,
  state text not null check (state in ('DELIVERED', 'RETRYING', 'DEAD', 'REPLAY')),
  attempts integer not null,
  -- of the last attempt: HTTP status, what went wrong, the beginning of what it answered, how long it took
  status integer,
  error text,
  response text,
  duration_ms integer,
  first_at timestamptz,
  last_at timestamptz not null,
  primary key (webhook, position)
);
create index webhook_delivery_place on webhook_delivery (position, webhook);
create index webhook_delivery_entity on webhook_delivery (golden_id, position);
create index webhook_delivery_last on webhook_delivery (last_at);
create index webhook_delivery_unsettled on webhook_delivery (webhook, state, position) where state <> 'DELIVERED';
