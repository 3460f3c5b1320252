-- Rings of parents, as source systems state them. The graph leaves out the parent of `golden_id`, so that no hierarchy
-- leads back to itself; each ring is a task (mdm/tasks/hierarchyRings.ts). Usually empty.
create table hierarchy_ring (
  golden_id uuid primary key,
  type text not null,
  -- golden ids from golden_id on, each followed by its parent
  members uuid[] not null,
  found_at timestamptz not null default clock_timestamp()
);
-- The business owner of what a source system has to put right.
alter table task add column owner text;
-- Golden types whose hierarchy was examined as a whole, once.
create table hierarchy_examined (
  type text primary key,
  at timestamptz not null default clock_timestamp()
);
