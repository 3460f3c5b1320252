-- What people do about messages that could not be applied, and what operators see of ingest.

-- A correction names the message that it puts right, and counts as stated when that one was: what the source system
-- said later stays the newer.
alter table inbox add column corrects bigint references inbox (id), add column stated_at timestamptz;
create index inbox_corrects on inbox (corrects) where corrects is not null;
-- For the trace of everything that came under one correlation id, and for replays of a span of time.
create index inbox_correlation on inbox (correlation_id);
create index inbox_received on inbox using brin (received_at);

-- In the queue again: what is stored is mapped anew, though the message says nothing that is newer.
alter table pending add column replay boolean not null default false;

alter table outcome drop constraint outcome_outcome_check;
alter table outcome
  add constraint outcome_outcome_check check (outcome in ('SKIPPED', 'EXCEPTION', 'CORRECTED', 'DISCARDED'));
create index outcome_open on outcome (inbox_id) where outcome = 'EXCEPTION';

-- One request about exceptions: retry, correction or discard.
create table exception_work (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('RETRY', 'EDIT', 'DISCARD')),
  actor text not null,
  reason text not null,
  idempotency_key text not null,
  -- what was asked for, to tell the same request from another one with its key; of a payload its hash
  request jsonb not null,
  -- what was answered
  answer jsonb not null,
  correlation_id text not null,
  at timestamptz not null default clock_timestamp(),
  unique (actor, idempotency_key)
);

-- The messages that it was about, and why each of them was an exception then.
create table exception_worked (
  inbox_id bigint not null references inbox (id),
  work_id bigint not null references exception_work (id),
  code text not null,
  detail text not null,
  corrected_by bigint references inbox (id),
  primary key (inbox_id, work_id)
);
create trigger exception_work_append_only before update or delete or truncate on exception_work
  for each statement execute function refuse_change();
create trigger exception_worked_append_only before update or delete or truncate on exception_worked
  for each statement execute function refuse_change();

-- Messages that were applied in one transaction, and when; kept for some weeks, for traces.
create table batch (
  id bigint generated always as identity primary key,
  worker text not null,
  messages int8multirange not null,
  claimed_at timestamptz not null,
  applied_at timestamptz not null default clock_timestamp()
);
create index batch_messages on batch using gist (messages);
create index batch_applied on batch using brin (applied_at);

-- Events by the message that led to them, and actions by their correlation id, for traces.
create index change_message on change (((cause ->> 'inboxId')::bigint)) where cause ->> 'inboxId' is not null;
create index action_correlation on action (correlation_id);

-- How often a service level was met, minute by minute; all processes add to the same rows.
create table service_minute (
  objective text not null,
  minute timestamptz not null,
  good bigint not null,
  total bigint not null,
  primary key (objective, minute)
);
