-- Which assertions stand, from the tables that are only appended to: `standing` is this view, stored.
create view standing_now as
  select s.id as assertion_id, s.kind, s.a, s.b, s.field, s.value, s.expires_at
  from assertion s join action m on m.id = s.action_id and m.state = 'DONE'
  where not exists (
    select 1 from withdrawal w join action y on y.id = w.action_id and y.state = 'DONE' where w.assertion_id = s.id);
