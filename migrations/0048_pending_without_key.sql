-- The check of this key read and locked each message once more, right after it was inserted by the
-- same statement: half of the time of Postgres for a message (ADR 0104).
alter table pending drop constraint pending_inbox_id_fkey;

-- A message that is removed by hand takes its place in the queue with it, as before.
create function remove_pending() returns trigger language plpgsql as $$
begin
  delete from pending p where not exists (select from inbox i where i.id = p.inbox_id);
  return null;
end $$;
create trigger inbox_removed after delete or truncate on inbox
  for each statement execute function remove_pending();
