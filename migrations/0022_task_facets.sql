-- The facets of the queue are counted from these alone: a hundred thousand open tasks in a third of the time. Few columns
-- with few values each, so that entries share their keys.
create index task_facets on task (kind, type, assignee, deferred_until) where state = 'OPEN';
create index task_overdue on task (due_at, deferred_until) where state = 'OPEN';
