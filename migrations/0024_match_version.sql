-- Under which matching engine the records of each golden type have been matched: where a program or a policy has another
-- one, its workers match them again. A type without a row has not been looked at.
create table match_version (
  type text primary key,
  -- content hash of the model and of the features' form
  version text not null,
  at timestamptz not null default clock_timestamp()
);
