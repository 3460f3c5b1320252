-- Whether a waiting message counts for the service levels. The demo world does not: it arrives all at once.
alter table pending add column measured boolean not null default true;
