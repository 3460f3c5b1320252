-- Files that source systems put into a folder, a bucket or behind SFTP: one row for each content under a name,
-- with its state and the number of rows that are stored. That number is written in the transaction of the rows.
CREATE TABLE "file_delivery" (
  "id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "file_delivery_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
  "source" text NOT NULL,
  "object" text NOT NULL,
  "place" text NOT NULL,
  "name" text NOT NULL,
  "version" integer DEFAULT 1 NOT NULL,
  "bytes" bigint,
  "stamp" text,
  "modified_at" timestamp with time zone,
  "sha256" text,
  "sequence" bigint,
  "series" text DEFAULT '' NOT NULL,
  "state" text DEFAULT 'WAITING' NOT NULL,
  "holds_back" boolean DEFAULT false NOT NULL,
  "code" text,
  "detail" text,
  "rows" bigint DEFAULT 0 NOT NULL,
  "messages" bigint DEFAULT 0 NOT NULL,
  "correlation_id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "exception_id" bigint,
  "seen_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "began_at" timestamp with time zone,
  "ended_at" timestamp with time zone,
  "move" text,
  "moved_at" timestamp with time zone,
  CONSTRAINT "file_delivery_version" UNIQUE("source","object","place","name","version"),
  CONSTRAINT "file_delivery_state_check" CHECK ("file_delivery"."state" in ('WAITING', 'READING', 'DONE', 'REFUSED', 'MISSING')),
  CONSTRAINT "file_delivery_move_check" CHECK ("file_delivery"."move" in ('ARCHIVE', 'ERRORS'))
);


CREATE INDEX "file_delivery_content" ON "file_delivery" USING btree ("source","object","place","sha256");

CREATE INDEX "file_delivery_ended" ON "file_delivery" USING btree ("source","object","place","ended_at");

CREATE INDEX "file_delivery_sequence" ON "file_delivery" USING btree ("source","object","place","series","sequence");

CREATE INDEX "file_delivery_open" ON "file_delivery" USING btree ("source","object","place") WHERE "file_delivery"."state" in ('WAITING', 'READING', 'MISSING') or "file_delivery"."holds_back" or ("file_delivery"."move" is not null and "file_delivery"."moved_at" is null);
