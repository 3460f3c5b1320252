-- A filter by an identifier, an email address, a name and the like reads the index of search instead of all
-- golden records of its type. The function returns every golden record that may have one of some words:
-- those that the index gives while all words are written by the rules of the caller, else all of the type. It
-- checks no rights, because operators of the index are not leakproof and would be used by no caller
-- under row rights; the rows themselves are read with the rights of the caller.
create function golden_with_words(golden_type text, rules text, query text) returns setof uuid
  language plpgsql stable security definer set search_path = public, pg_temp rows 20 as
$$ begin
  if exists (select from search_fill f where f.type = golden_type and f.complete and f.layout = rules) then
    return query execute 'select t.golden_id from public.search_text t where t.words @@ $1::tsquery and t.type = $2'
      using query, golden_type;
  else
    return query select g.id from public.golden g where g.type = golden_type and g.state = 'ACTIVE';
  end if;
end $$;
