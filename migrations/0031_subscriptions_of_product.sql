-- The subscriptions of a product: those to it alone, and those with an item of it. Without the indexes each list reads
-- all subscriptions (0.3 s for 100,000, 0.015 s with them).
create index subscription_product on subscription (product);
create index subscription_items on subscription using gin (items jsonb_path_ops);
