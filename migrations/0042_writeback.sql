-- What is written to source systems. A golden record becomes due in the transaction of its change, so
-- a write is as safe as the change. An intent is SENT, and its values are in written_value, before the
-- request leaves. The unique indexes keep one planned write, and one on its way, for each record.
CREATE TABLE "write_due" (
  "id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "write_due_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
  "golden_id" uuid NOT NULL,
  "due_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


CREATE TABLE "write_intent" (
  "id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "write_intent_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
  "key" uuid DEFAULT gen_random_uuid() NOT NULL,
  "golden_id" uuid NOT NULL,
  "type" text NOT NULL,
  "source" text NOT NULL,
  "object" text NOT NULL,
  "source_id" text,
  "operation" text NOT NULL,
  "state" text NOT NULL,
  "version" integer NOT NULL,
  "changes" jsonb NOT NULL,
  "values" jsonb NOT NULL,
  "former" jsonb NOT NULL,
  "refused" jsonb,
  "hash" text NOT NULL,
  "position" bigint NOT NULL,
  "correlation_id" text,
  "policy_version" text NOT NULL,
  "waits_for" uuid,
  "code" text,
  "detail" text,
  "verdict" text,
  "attempts" integer DEFAULT 0 NOT NULL,
  "conflicts" integer DEFAULT 0 NOT NULL,
  "not_before" timestamp with time zone,
  "overwrote" jsonb,
  "planned_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "first_sent_at" timestamp with time zone,
  "sent_at" timestamp with time zone,
  "ended_at" timestamp with time zone,
  "released_at" timestamp with time zone,
  "actor" text,
  CONSTRAINT "write_intent_operation_check" CHECK ("write_intent"."operation" in ('CREATE', 'UPDATE')),
  CONSTRAINT "write_intent_state_check" CHECK ("write_intent"."state" in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD', 'SENT', 'UNKNOWN', 'DONE', 'CONFLICT', 'REFUSED'))
);


CREATE TABLE "write_target" (
  "source" text PRIMARY KEY NOT NULL,
  "version" text NOT NULL,
  "registered_by" bigint NOT NULL,
  "scan_after" uuid,
  "scanned" bigint DEFAULT 0 NOT NULL,
  "scan_total" bigint,
  "scanned_at" timestamp with time zone,
  "failures" integer DEFAULT 0 NOT NULL,
  "opened" integer DEFAULT 0 NOT NULL,
  "paused_until" timestamp with time zone,
  "failed_since" timestamp with time zone,
  "code" text,
  "detail" text,
  "verdict" text,
  "fence" bigint DEFAULT 0 NOT NULL,
  "leased_by" uuid,
  "leased_until" timestamp with time zone
);


CREATE TABLE "written_value" (
  "source" text NOT NULL,
  "object" text NOT NULL,
  "source_id" text NOT NULL,
  "path" text NOT NULL,
  "value" jsonb NOT NULL,
  "intent_id" bigint NOT NULL,
  "seen" boolean DEFAULT false NOT NULL,
  CONSTRAINT "written_value_pkey" PRIMARY KEY("source","object","source_id","path")
);


CREATE INDEX "write_due_at" ON "write_due" USING btree ("due_at","id");

CREATE UNIQUE INDEX "write_intent_waiting" ON "write_intent" USING btree ("source","object",coalesce("source_id", "golden_id"::text)) WHERE state in ('SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD');

CREATE UNIQUE INDEX "write_intent_open" ON "write_intent" USING btree ("source","object",coalesce("source_id", "golden_id"::text)) WHERE state in ('SENT', 'UNKNOWN');

CREATE INDEX "write_intent_record" ON "write_intent" USING btree ("source","object","source_id","id");

CREATE INDEX "write_intent_golden" ON "write_intent" USING btree ("golden_id");

CREATE INDEX "write_intent_waits_for" ON "write_intent" USING btree ("waits_for") WHERE "write_intent"."waits_for" is not null;

CREATE INDEX "write_intent_state" ON "write_intent" USING btree ("source","state","id");

CREATE INDEX "write_intent_sent" ON "write_intent" USING btree ("source","sent_at");

CREATE INDEX "write_intent_planned" ON "write_intent" USING btree ("source","planned_at");
