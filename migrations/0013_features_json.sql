-- Features are written and read whole, never looked into: as text that costs neither side a parse.
alter table source_record alter column features type json using features::json;
