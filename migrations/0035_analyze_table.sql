-- Updates the planner's statistics of one table. The role of the running program owns no table, so it could not otherwise.
create function analyze_table(name regclass) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as
$$ begin
  if not exists (select from pg_class where oid = name and relnamespace = 'public'::regnamespace and relkind = 'r') then
    raise exception '% is no table of Touchstone', name using errcode = 'insufficient_privilege';
  end if;
  execute format('analyze %s', name);
end $$;
revoke all on function analyze_table(regclass) from public;
