-- Requests at one time that processes hold of a limit of a credential (ADR 0112).
create table request_place (
  id bigint generated always as identity primary key,
  credential_limit text not null,
  places integer not null,
  turn timestamptz not null,
  free_at timestamptz not null
);
create index request_place_limit on request_place (credential_limit);
