-- How customers do, as customer success sees it, and what they use. Usage is summed over days, so its indexes have the day.
create table customer_health (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  score double precision,
  label text,
  measured_on date,
  stage text,
  manager text,
  renewal_date date,
  renewal_outlook text,
  annual_amount_minor bigint,
  currency text
);
create index customer_health_customer on customer_health (customer);

create table usage_record (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  subscription uuid,
  product uuid,
  meter text,
  day date,
  quantity double precision,
  unit text
);
create index usage_record_customer on usage_record (customer, day);
create index usage_record_subscription on usage_record (subscription, day);
create index usage_record_product on usage_record (product, day);
