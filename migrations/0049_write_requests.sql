-- A request of a person about writes is stored with its result, so that one which is repeated changes
-- nothing. The indexes serve metrics, tasks and the removal of ended writes: none may scan a table that
-- holds a year of them.
CREATE TABLE "write_request" (
  "actor" text NOT NULL,
  "idempotency_key" text NOT NULL,
  "request" jsonb NOT NULL,
  "answer" jsonb NOT NULL,
  "at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT "write_request_pkey" PRIMARY KEY("actor","idempotency_key")
);


CREATE INDEX "write_request_at" ON "write_request" USING btree ("at");

CREATE INDEX "write_intent_ended" ON "write_intent" USING btree ("ended_at","id") WHERE ended_at is not null and not (operation = 'CREATE' and state = 'DONE');

CREATE INDEX "write_intent_stopped" ON "write_intent" USING btree ("source","object",coalesce("source_id", "golden_id"::text)) WHERE state in ('REFUSED', 'CONFLICT') and released_at is null;
