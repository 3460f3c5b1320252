-- Under which mapping, code lists included, the records of each source system have been mapped: where another one is
-- configured they are mapped anew.
create table mapping_version (
  source text primary key,
  -- content hash
  version text not null,
  at timestamptz not null default clock_timestamp()
);
