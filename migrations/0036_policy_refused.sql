-- A policy that no gateway can serve is refused: the publication before it is active again, in every process.
alter table publication drop constraint publication_state_check;
alter table publication add constraint publication_state_check check (state in ('RUNNING', 'DONE', 'REFUSED'));

-- Programs, with their version, that found that they can serve a policy. One without any was stored by a program that
-- did not check.
create table policy_check (
  version text not null,
  program text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (version, program),
  constraint policy_check_version_fkey foreign key (version) references policy (version) on delete cascade
);
