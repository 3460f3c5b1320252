-- Keys by which services ask. Only a hash is kept: the secret is 256 random bits, so a plain hash of it cannot be searched.
create table api_key (
  -- the public part of the key, which finds its row
  id text primary key,
  name text not null,
  hash bytea not null,
  roles text[] not null,
  -- beside those of the roles
  scopes text[] not null default '{}',
  created_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- to the minute
  last_used_at timestamptz,
  -- the key that this one took over from
  replaces text references api_key (id)
);
create index api_key_name on api_key (name);
