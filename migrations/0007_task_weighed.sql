-- When the value at stake of a task was last looked at.
alter table task add column weighed_at timestamptz not null default clock_timestamp();
create index task_weighed on task (weighed_at) where state = 'OPEN';
