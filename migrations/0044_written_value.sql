-- What source systems hold because it was written there, and the statements of those records since. Until
-- now nothing was written there.
drop table written_value;

create table written_value (
  intent_id bigint not null,
  path text not null,
  source text not null,
  object text not null,
  source_id text,
  record_key uuid,
  golden_id uuid not null,
  value jsonb not null,
  since bigint not null,
  written_at timestamptz not null default clock_timestamp(),
  applied_at timestamptz,
  state text not null default 'WRITTEN',
  constraint written_value_pkey primary key (intent_id, path),
  constraint written_value_state_check check (state in ('WRITTEN', 'REVERTED', 'REPLACED', 'SEEN', 'ENDED'))
);
create index written_value_record on written_value (record_key);

create table written_record (
  record_key uuid primary key,
  base json not null,
  newest jsonb not null,
  messages bigint[] not null
);
