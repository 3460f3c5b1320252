-- Classes of work have queues of their own, so that a burst of usage delays no posting (ADR 0093).
alter table pending add column lane smallint not null default 1;
create index pending_lane on pending (lane, inbox_id);
