-- Operational objects (opportunities, invoices …) have events too, in the same feed. Such a row has the record key in
-- golden_id and counts its versions for itself.
alter table change
  -- the golden customer at that time
  add column customer uuid,
  -- the values before, where the feed does not hold the version that had them
  add column before jsonb;
