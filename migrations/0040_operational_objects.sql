-- Operational objects beside invoices and subscriptions: what is offered, ordered, granted, priced, changed, taxed, credited,
-- refunded and recognised. Each reference has an index: lists and merges find the objects by it.
create table amendment (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  subscription uuid,
  contract uuid,
  number text,
  kind text,
  status text,
  effective_date date
);
create index amendment_customer on amendment (customer);
create index amendment_subscription on amendment (subscription);
create index amendment_contract on amendment (contract);

create table credit_note (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  invoice uuid,
  number text,
  status text,
  issue_date date,
  total_minor bigint,
  balance_minor bigint,
  currency text,
  reason text
);
create index credit_note_customer on credit_note (customer);
create index credit_note_invoice on credit_note (invoice);

create table entitlement (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  contract uuid,
  subscription uuid,
  product uuid,
  name text,
  status text,
  quantity double precision,
  unit text,
  start_date date,
  end_date date
);
create index entitlement_customer on entitlement (customer);
create index entitlement_contract on entitlement (contract);
create index entitlement_subscription on entitlement (subscription);
create index entitlement_product on entitlement (product);

create table invoice_tax (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  invoice uuid,
  name text,
  jurisdiction text,
  rate double precision,
  taxable_amount_minor bigint,
  amount_minor bigint,
  currency text
);
create index invoice_tax_customer on invoice_tax (customer);
create index invoice_tax_invoice on invoice_tax (invoice);

create table price (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  product uuid,
  rate_plan uuid,
  name text,
  price_book text,
  model text,
  amount_minor double precision,
  currency text,
  unit text,
  interval text,
  interval_count integer,
  active boolean,
  valid_from date,
  valid_to date
);
create index price_product on price (product);
create index price_rate_plan on price (rate_plan);

create table quote (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  opportunity uuid,
  contract uuid,
  number text,
  name text,
  status text,
  issue_date date,
  valid_until date,
  total_minor bigint,
  currency text
);
create index quote_customer on quote (customer);
create index quote_opportunity on quote (opportunity);
create index quote_contract on quote (contract);

create table rate_plan (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  product uuid,
  name text,
  description text,
  status text,
  valid_from date,
  valid_to date
);
create index rate_plan_product on rate_plan (product);

create table refund (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  payment uuid,
  credit_note uuid,
  status text,
  refunded_on date,
  amount_minor bigint,
  currency text,
  method text,
  reason text
);
create index refund_customer on refund (customer);
create index refund_payment on refund (payment);
create index refund_credit_note on refund (credit_note);

create table revenue_schedule (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  contract uuid,
  invoice uuid,
  product uuid,
  period_start date,
  period_end date,
  amount_minor bigint,
  currency text,
  status text,
  account text,
  legal_entity text
);
create index revenue_schedule_customer on revenue_schedule (customer);
create index revenue_schedule_contract on revenue_schedule (contract);
create index revenue_schedule_invoice on revenue_schedule (invoice);
create index revenue_schedule_product on revenue_schedule (product);

create table sales_order (
  record_id bigint primary key references source_record (id),
  deleted boolean not null default false,
  customer uuid,
  opportunity uuid,
  quote uuid,
  contract uuid,
  number text,
  status text,
  order_date date,
  total_minor bigint,
  currency text
);
create index sales_order_customer on sales_order (customer);
create index sales_order_opportunity on sales_order (opportunity);
create index sales_order_quote on sales_order (quote);
create index sales_order_contract on sales_order (contract);

create index invoice_subscription on invoice (subscription);

-- Written as text first: 33.3 stays 33.3.
alter table opportunity alter column probability type double precision using probability::text::double precision;
