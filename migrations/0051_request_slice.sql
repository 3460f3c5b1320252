-- Requests that processes have taken of a rate of a credential (ADR 0112).
create table request_slice (
  id bigint generated always as identity primary key,
  rate text not null,
  places integer not null,
  free_at timestamptz not null
);
create index request_slice_rate on request_slice (rate, free_at);
