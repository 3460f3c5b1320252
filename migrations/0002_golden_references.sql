-- Lists on the other side of a reference (a customer's contacts, contracts and subsidiaries) look up golden records by
-- the source record that they name. A reference in a new golden type works without such an index, and is slow.
create index golden_by_customer on golden ((values ->> 'customer')) where state = 'ACTIVE' and values ? 'customer';
create index golden_by_parent on golden ((values ->> 'parent')) where state = 'ACTIVE' and values ? 'parent';
