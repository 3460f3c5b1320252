-- Row rights: who may see a row, by region and legal entity (docs/GATEWAY.md). The columns say what a version of a golden
-- record is judged by, as the model's @rows has it; triggers fill them once row rights are configured. Until then, and for
-- types of which the model says nothing, they are null, and null is for callers who are bound to nothing.
alter table golden
  -- what stands in the field that gives the region, NONE where nothing does, * for everyone
  add column row_place text,
  add column row_entities text[],
  -- or the source record whose golden record decides
  add column row_parent uuid;
alter table change add column row_place text, add column row_entities text[], add column row_parent uuid;

-- Whose rows a webhook's payloads and an API key's answers may hold; null: as a caller whose token has no such claim.
alter table webhook add column regions text[], add column legal_entities text[];
alter table api_key add column regions text[], add column legal_entities text[];
-- Webhooks from before are as they were: bound to nothing.
update webhook set regions = '{*}', legal_entities = '{*}';

-- What is set up in this database, by content hash.
create table row_rights (
  one boolean primary key default true check (one),
  role text not null,
  policies text not null,
  tags text not null
);

-- The version that a golden record had at a moment, whoever asks: who may not see that version must not be given one before.
create function version_at(golden uuid, moment timestamptz) returns integer
  language sql stable security definer set search_path = public, pg_temp as
$$ select version from change where golden_id = golden and at <= moment order by version desc limit 1 $$;

-- The same by position of the feed.
create function version_at_position(golden uuid, place bigint) returns integer
  language sql stable security definer set search_path = public, pg_temp as
$$ select version from change where golden_id = golden and position <= place order by version desc limit 1 $$;
