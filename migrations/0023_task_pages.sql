-- Pages of what is over, and of what stewards did, are walked as those of the queue are, however much there is.
create index task_closed on task (priority desc, id) where state = 'CLOSED';
create index action_place on action (proposed_at desc, id desc);
