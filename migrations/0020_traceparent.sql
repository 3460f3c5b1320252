-- The W3C traceparent of the request that brought a message, so that what it leads to belongs to the same trace.
alter table inbox add column traceparent text;
