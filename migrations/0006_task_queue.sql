-- Who follows the queue reads what changed since it last looked.
create index task_updated on task (updated_at, id);
create index audit_event on audit (event, id);
