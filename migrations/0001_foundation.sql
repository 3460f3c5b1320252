-- The store, from the message that came in to the event that goes out.
-- Keys of source records are uuids derived from (source, object, source id), see schema/recordKey.ts. A golden id is the
-- key of the oldest member's source record, so a merge keeps the older id, a split gives back the original ones, and
-- any id ever given out is found again through source_record.key.

-- Every message that was acknowledged, whole and never changed. One transaction writes it together with its place in
-- `pending`; applying it removes the place. So this table is only ever appended to, and the queue stays small.
create table inbox (
  id bigint generated always as identity primary key,
  source text not null,
  message_id text not null,
  object text,
  format text not null check (format in ('event', 'row')),
  body text not null,
  correlation_id uuid not null,
  received_at timestamptz not null default clock_timestamp(),
  unique (source, message_id)
);

create table pending (
  inbox_id bigint primary key references inbox (id) on delete cascade,
  attempts smallint not null default 0,
  not_before timestamptz not null default '-infinity'
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

-- What became of a message that was not simply applied. No row and no place in `pending`: it was applied.
create table outcome (
  inbox_id bigint primary key references inbox (id) on delete cascade,
  outcome text not null check (outcome in ('SKIPPED', 'EXCEPTION')),
  code text not null,
  detail text not null,
  source text not null,
  object text,
  source_id text,
  field text,
  at timestamptz not null default clock_timestamp()
);
create index outcome_exceptions on outcome (source, object, at) where outcome = 'EXCEPTION';

-- One system's version of a thing, whole, with its canonical form and, for golden types, its crosswalk.
create table source_record (
  id bigint generated always as identity primary key,
  key uuid not null unique,
  source text not null,
  object text not null,
  source_id text not null,
  type text not null,
  -- microseconds since 1970, as the source system counts; 0 where it gives none
  version bigint not null,
  -- decides between two contents of the same version, so that the order of arrival does not
  tie text not null,
  -- for records that arrive in parts: version and tie of each raw field that differs from the record's own
  field_versions jsonb,
  deleted boolean not null default false,
  -- false while required fields are missing; such a record waits and is in no golden record
  complete boolean not null,
  raw json not null,
  canonical jsonb not null,
  issues jsonb,
  features jsonb,
  features_version text,
  keys bigint[] not null default '{}',
  golden_id uuid,
  inbox_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index source_record_golden on source_record (golden_id);
create index source_record_incomplete on source_record (source, object) where not complete;

-- Blocking keys as 64-bit hashes; the record's own copy is source_record.keys.
create table match_key (
  key bigint not null,
  record_id bigint not null,
  primary key (key, record_id)
);

-- Pairs whose match weight connects them, lower record id first. Levels per field are recomputed from the features.
create table link (
  a bigint not null,
  b bigint not null,
  weight real not null,
  primary key (a, b),
  check (a < b)
);
create index link_b on link (b);

-- Which source records name which other one in a field that is compared by reference.
create table record_reference (
  target uuid not null,
  record_id bigint not null,
  primary key (target, record_id)
);

-- A steward's lasting statements. Withdrawn, never changed.
create table assertion (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('SAME', 'NOT_SAME', 'VALUE')),
  a uuid not null,
  b uuid,
  field text,
  value jsonb,
  actor text not null,
  reason text not null,
  at timestamptz not null default clock_timestamp(),
  withdrawn_at timestamptz
);
create index assertion_a on assertion (a) where withdrawn_at is null;
create index assertion_b on assertion (b) where withdrawn_at is null;

create table golden (
  id uuid primary key,
  type text not null,
  version integer not null,
  state text not null check (state in ('ACTIVE', 'MERGED', 'DELETED')),
  redirect uuid,
  values jsonb not null,
  -- field -> {"r": key of the source record(s), "u": rule}
  provenance jsonb not null,
  policy_version text not null,
  position bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index golden_name on golden (type, (lower(values ->> 'name')), id) where state = 'ACTIVE';
create index golden_updated on golden (type, updated_at, id) where state = 'ACTIVE';
create index golden_created on golden (type, created_at, id) where state = 'ACTIVE';

-- The change feed and the history in one: a row is one version of one golden record and the event that says so.
create table change (
  position bigint primary key,
  golden_id uuid not null,
  type text not null,
  version integer not null,
  op text not null check (op in ('CREATED', 'UPDATED', 'MERGED', 'SPLIT', 'DELETED')),
  values jsonb,
  provenance jsonb,
  redirect uuid,
  changed text[] not null,
  members uuid[] not null,
  policy_version text not null,
  -- {"source", "object", "sourceId", "inboxId", "correlationId"}
  cause jsonb not null,
  at timestamptz not null,
  unique (golden_id, version)
);

-- One row. Whoever appends to the feed locks it last, so positions are dense and in commit order.
create table feed_head (
  one boolean primary key default true check (one),
  position bigint not null,
  -- the oldest position still readable
  oldest bigint not null default 1,
  -- names this feed in cursors, so that a cursor of another one is recognised
  feed uuid not null default gen_random_uuid()
);
insert into feed_head (position) values (0);

-- Possible matches wait for a steward. A row disappears when its reason does.
create table possible_match (
  a uuid not null,
  b uuid not null,
  type text not null,
  weight real not null,
  reason text not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (a, b)
);
create index possible_match_b on possible_match (b);

create table opportunity (
  record_id bigint primary key references source_record (id),
  customer uuid,
  name text,
  stage text,
  amount_minor bigint,
  currency text,
  probability real,
  close_date date,
  is_closed boolean,
  is_won boolean,
  owner text,
  deleted boolean not null default false
);
create index opportunity_customer on opportunity (customer);

create table subscription (
  record_id bigint primary key references source_record (id),
  customer uuid,
  contract uuid,
  product uuid,
  status text,
  quantity double precision,
  -- what is charged each interval
  amount_minor bigint,
  currency text,
  interval text,
  interval_count integer,
  start_date date,
  end_date date,
  current_period_end date,
  deleted boolean not null default false
);
create index subscription_customer on subscription (customer);
create index subscription_contract on subscription (contract);

create table invoice (
  record_id bigint primary key references source_record (id),
  customer uuid,
  contract uuid,
  subscription uuid,
  number text,
  status text,
  issue_date date,
  due_date date,
  total_minor bigint,
  balance_minor bigint,
  currency text,
  deleted boolean not null default false
);
create index invoice_customer on invoice (customer);
create index invoice_contract on invoice (contract);

create table payment (
  record_id bigint primary key references source_record (id),
  customer uuid,
  invoice uuid,
  status text,
  paid_on date,
  amount_minor bigint,
  currency text,
  method text,
  deleted boolean not null default false
);
create index payment_customer on payment (customer);
create index payment_invoice on payment (invoice);

create table posting (
  record_id bigint primary key references source_record (id),
  customer uuid,
  invoice uuid,
  transaction_type text,
  account text,
  posting_date date,
  -- debit positive, credit negative
  amount_minor bigint,
  currency text,
  legal_entity text,
  memo text,
  deleted boolean not null default false
);
create index posting_customer on posting (customer);
create index posting_invoice on posting (invoice);
