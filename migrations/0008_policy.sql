-- Policies that were published: model and trained parameters as they were read, so that an earlier one can be put in force
-- again. Without any, the model that came with the program is in force.
create table policy (
  version text primary key,
  -- file name -> text
  model jsonb not null,
  -- golden type -> trained parameters; a type without has those that are shipped
  parameters jsonb not null,
  added_at timestamptz not null default clock_timestamp()
);

-- One step from one policy to the next. The last one is in force from its beginning on: what arrives meanwhile follows it
-- already, and the records that were there are brought to it while it runs.
create table publication (
  id bigint generated always as identity primary key,
  version text not null references policy (version),
  state text not null check (state in ('RUNNING', 'DONE')),
  actor text not null,
  reason text not null,
  -- golden records that were worked on, and events that came of it
  done integer not null default 0,
  events integer not null default 0,
  -- positions of the feed before and after
  position_before bigint not null,
  position_after bigint,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create unique index publication_running on publication ((true)) where state = 'RUNNING';
