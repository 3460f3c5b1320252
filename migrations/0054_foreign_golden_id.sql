-- A text in the place of the golden id that is none was ignored in silence: it is counted, and is a task.
CREATE TABLE "foreign_golden_id" (
  "record_key" uuid PRIMARY KEY NOT NULL,
  "source" text NOT NULL,
  "object" text NOT NULL,
  "source_id" text NOT NULL,
  "path" text NOT NULL,
  "value" text NOT NULL
);

CREATE INDEX "foreign_golden_id_place" ON "foreign_golden_id" USING btree ("source","object","path","source_id");
