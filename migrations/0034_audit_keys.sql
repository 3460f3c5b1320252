-- Entries of the audit log are hashed under a key that the database never sees. Entries without a key id are older than
-- that; the first entry with one covers the hash of the last of them.
alter table audit
  add column key_id text,
  -- proof of the earlier key, at the first entry of another one
  add column endorsement bytea;

alter table audit_head
  -- which log this is: entries of another one do not fit, even under the same key
  add column chain uuid not null default gen_random_uuid(),
  -- the ids of the keys of the log, in their order; an earlier one never signs again
  add column keys text[] not null default '{}',
  -- the last entry that expired, with its hash; the log begins after it
  add column start_id bigint not null default 0,
  add column start_hash bytea not null default '\x';
