-- Search over golden records. The program writes the folded words of each golden record with it, so that
-- folding is decided in one place (mdm/search/words.ts); records from before are filled in at the next start.
-- pg_trgm finds words with typing errors. It is a trusted extension: the owner of the database may create it.
create extension if not exists pg_trgm;

CREATE TABLE "search_fill" (
  "type" text PRIMARY KEY NOT NULL,
  "layout" text NOT NULL,
  "next" text,
  "after" uuid,
  "complete" boolean NOT NULL
);

CREATE TABLE "search_text" (
  "golden_id" uuid NOT NULL,
  "scopes" text NOT NULL,
  "type" text NOT NULL,
  "words" "tsvector" NOT NULL,
  CONSTRAINT "search_text_pkey" PRIMARY KEY("golden_id","scopes")
);

CREATE TABLE "search_word" (
  "scopes" text NOT NULL,
  "word" text NOT NULL,
  CONSTRAINT "search_word_pkey" PRIMARY KEY("word","scopes")
);

CREATE INDEX "search_text_words" ON "search_text" USING gin ("words");

CREATE INDEX "search_word_similar" ON "search_word" USING gin ("word" gin_trgm_ops);

CREATE INDEX "source_record_source_id" ON "source_record" USING btree ((lower("source_id" collate "C")) collate "C") WHERE "source_record"."golden_id" is not null;


insert into search_fill (type, layout, complete) select type, '', false from golden group by type;

-- Words that resemble a part of a search, the most similar first. The threshold is below the usual 0.3,
-- because a word of four letters with one wrong has 0.25.
create function search_similar(scope_sets text[], part text, most integer) returns setof text
  language plpgsql stable rows 50 as
$$ begin
  perform set_config('pg_trgm.similarity_threshold', '0.25', true);
  return query select s.word from search_word s where s.scopes = any (scope_sets) and s.word % part
    order by similarity(s.word, part) desc, s.word limit most;
end $$;
