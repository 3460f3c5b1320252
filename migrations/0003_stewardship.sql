-- Stewardship: what stewards did, said and have before them.
-- An assertion stands while the action that made it is not undone and no action that is not undone has withdrawn it. So
-- assertions and withdrawals are only ever appended, and undoing is the same in any order; `standing` holds those that
-- stand now, for reads, and can be computed anew from the other tables at any time.

-- One action of a steward, or the proposal of one. What it did to golden records is in `change`, by its correlation id.
create table action (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  type text,
  state text not null check (state in ('PROPOSED', 'DONE', 'UNDONE', 'DECLINED', 'WITHDRAWN', 'EXPIRED')),
  input jsonb not null,
  -- golden id -> version that the actor saw
  expected jsonb not null,
  actor text not null,
  reason text not null,
  idempotency_key text not null,
  correlation_id text not null,
  -- golden ids and record keys it is about, for finding the actions of a record
  subjects uuid[] not null,
  -- which records were in which golden record before: [[golden id, [record keys]], ...]
  before jsonb not null default '[]',
  -- what became of golden records: [{"goldenId", "op", "version"}, ...]
  effect jsonb not null default '[]',
  -- rules that ask for a second person
  approval text[] not null default '{}',
  -- value of the records it is about, in units of whatever currency
  stake double precision not null default 0,
  undoes uuid references action (id),
  -- actions in the order in which they were done
  number bigint,
  proposed_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  done_at timestamptz,
  decided_by text,
  decision text,
  unique (actor, idempotency_key)
);
create sequence action_number;
create index action_subjects on action using gin (subjects);
create index action_recent on action (number desc) where number is not null;
create index action_proposed on action (proposed_at) where state = 'PROPOSED';

alter table assertion drop column withdrawn_at;
alter table assertion drop constraint assertion_kind_check;
alter table assertion
  add constraint assertion_kind_check check (kind in ('SAME', 'NOT_SAME', 'VALUE', 'RETIRED')),
  add column action_id uuid not null references action (id),
  -- a value that holds until then; the clock withdraws it by an action of its own
  add column expires_at timestamptz;
create index assertion_action on assertion (action_id);

create table withdrawal (
  assertion_id bigint not null references assertion (id),
  action_id uuid not null references action (id),
  primary key (assertion_id, action_id)
);
create index withdrawal_action on withdrawal (action_id);

create table standing (
  assertion_id bigint primary key references assertion (id),
  kind text not null,
  a uuid not null,
  b uuid,
  field text,
  value jsonb,
  expires_at timestamptz
);
create index standing_a on standing (a);
create index standing_b on standing (b);
create index standing_expires on standing (expires_at) where expires_at is not null;

-- A record that is deleted or waits for required fields has no evidence of its own: it goes where this other record
-- goes. Itself: it stays alone. Null while the record is live.
alter table source_record add column anchor uuid;

-- Every action and every decision on one, chained: hash = sha256(hash of the row before || body). The text of `body` is
-- kept as it was hashed.
create table audit (
  id bigint primary key,
  at timestamptz not null,
  body json not null,
  actor text generated always as (body ->> 'actor') stored,
  event text generated always as (body ->> 'event') stored,
  action_id text generated always as (body ->> 'action') stored,
  hash bytea not null
);
create index audit_actor on audit (actor, id);
create index audit_action on audit (action_id, id);

create table audit_head (
  one boolean primary key default true check (one),
  id bigint not null,
  hash bytea not null
);
insert into audit_head (id, hash) values (0, '\x');

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
  for each statement execute function refuse_change();
create trigger assertion_append_only before update or delete or truncate on assertion
  for each statement execute function refuse_change();
create trigger withdrawal_append_only before update or delete or truncate on withdrawal
  for each statement execute function refuse_change();

-- What waits for a steward. The id follows from kind and subject, so a task whose reason comes back is the same one.
create table task (
  id uuid primary key,
  kind text not null,
  type text not null,
  -- two golden ids, a source record's key or an action's id
  subject uuid[] not null,
  state text not null check (state in ('OPEN', 'CLOSED')),
  reason text not null,
  -- log2 odds of the best pair, where two records are alike
  weight real,
  -- value at stake, in units of whatever currency
  stake double precision not null default 0,
  priority double precision not null,
  assignee text,
  due_at timestamptz not null,
  deferred_until timestamptz,
  escalated boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  closed_because text
);
create index task_open on task (priority desc, id) where state = 'OPEN';
create index task_open_kind on task (kind, type, priority desc, id) where state = 'OPEN';
create index task_open_assignee on task (assignee, priority desc, id) where state = 'OPEN';
create index task_due on task (due_at) where state = 'OPEN' and not escalated;
create index task_subject on task using gin (subject);

create table task_comment (
  id bigint generated always as identity primary key,
  task_id uuid not null references task (id),
  actor text not null,
  body text not null,
  at timestamptz not null default clock_timestamp()
);
create index task_comment_task on task_comment (task_id, id);
