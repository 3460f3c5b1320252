-- Statements of the same version whose order needs more than their stamps.
ALTER TABLE "source_record" ADD COLUMN "tied" jsonb;

-- Between statements of one version the order of arrival decides, and no hash of the content. What is stored counts as
-- stated by the record's last message, so that a replay of an earlier one does not win.
update source_record set
  tie = case when tie ~ '^[0-9a-f]{16}$' then lpad(inbox_id::text, 16, '0') else tie end,
  field_versions = (
    select jsonb_object_agg(f.key,
      case when f.value ->> 1 ~ '^[0-9a-f]{16}$'
        then jsonb_build_array(f.value -> 0, lpad(source_record.inbox_id::text, 16, '0')) else f.value end)
    from jsonb_each(source_record.field_versions) f)
where tie ~ '^[0-9a-f]{16}$' or field_versions is not null;
