-- Lists by name are in the order in which people sort: letters first, then marks, then case. `by_name` is the collation
-- of the installation's locale, by default the root of Unicode (und). mdm/db/nameOrder.ts replaces it for another locale,
-- and renews the index when the ICU library of the server sorts in another version.
create collation by_name (provider = icu, locale = 'und');
create table name_order (
  one boolean primary key default true check (one),
  locale text not null,
  -- version of the collation that the index was built with
  version text
);
insert into name_order (locale, version)
  select 'und', pg_collation_actual_version('by_name'::regcollation);
drop index golden_name;
create index golden_name on golden (type, ((values ->> 'name') collate by_name), id) where state = 'ACTIVE';
