-- Publishing as an action of somebody, and how far it is.
alter table publication
  -- the action that asked for it; none where it was a command
  add column action_id uuid references action (id),
  -- records that were to be worked on, those that are done included; null while it is not known
  add column total integer,
  -- why the last attempt at it ended before it was done
  add column problem text;
