-- Answers of people to pairs of source records. They measure matching; no answer changes a golden record, unlike an
-- assertion. The latest one about a pair counts.
create table match_label (
  id bigint generated always as identity primary key,
  a uuid not null,
  b uuid not null,
  type text not null,
  answer text not null constraint match_label_answer_check check (answer in ('SAME', 'NOT_SAME', 'UNSURE')),
  actor text not null,
  at timestamptz not null default clock_timestamp(),
  constraint match_label_order check (a < b)
);
create index match_label_pair on match_label (a, b, id);
