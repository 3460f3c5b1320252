-- Matching models that "touchstone train" made of the store. A model is a candidate until a policy that holds its parameters
-- is published (policy.parameters), and is kept afterwards, so that there is a way back.
create table match_model (
  -- content hash of parameters and comparisons, as stored features bear it (source_record.features_version)
  version text primary key,
  -- golden type
  type text not null,
  -- policy it was trained under, and the comparisons that this policy asked for
  policy_version text not null,
  units jsonb not null,
  parameters jsonb not null,
  -- what it was trained on: live source records, candidate pairs among them, decisions of stewards; 0 without --labels
  records integer not null,
  pairs bigint not null,
  labels integer not null,
  -- compared fields of which no record had a value: they weigh as shipped
  absent text[] not null,
  actor text not null,
  trained_at timestamptz not null default clock_timestamp()
);
create index match_model_recent on match_model (type, trained_at desc);
