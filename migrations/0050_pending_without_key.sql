-- The check of this key read and locked each message once more, right after it was inserted by the
-- same statement: half of the time of Postgres for a message (ADR 0104).
alter table pending drop constraint pending_inbox_id_fkey;
