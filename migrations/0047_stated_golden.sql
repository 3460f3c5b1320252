-- A record that bears a golden id belongs to what the id leads to now.
alter table source_record add column stated_golden uuid;
create index source_record_stated on source_record (stated_golden) where stated_golden is not null;

-- Values of records that a system has not named yet.
create index written_value_unnamed on written_value (source, object) where record_key is null;
