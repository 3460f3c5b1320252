-- Operations that callers began in a minute, added up over all gateways about once a second; kept for some minutes.
create table caller_minute (
  minute timestamptz not null,
  actor text not null,
  operations bigint not null,
  primary key (minute, actor)
);
