-- The items of a subscription, each with its product, quantity, amount and interval, and their sum for one year:
-- {"annualMinor": 24000, "list": [{"product": "…", "quantity": 2, "amount": {"minorUnits": 1000, "currency": "USD"}, …}]}
alter table subscription add column items jsonb;
