-- What is pulled from source systems: the position of each object, its lease, and the history of
-- runs. A position is stored in the transaction of the page before it. A holder that has lost its
-- lease has an old fence, so it can store no page.
CREATE TABLE "census_seen" (
  "run_id" bigint NOT NULL,
  "key" uuid NOT NULL,
  CONSTRAINT "census_seen_pkey" PRIMARY KEY("run_id","key")
);


CREATE TABLE "sync_run" (
  "id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  "source" text NOT NULL,
  "object" text NOT NULL,
  "mode" text NOT NULL,
  "state" text DEFAULT 'RUNNING' NOT NULL,
  "began_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "ended_at" timestamp with time zone,
  "pages" bigint DEFAULT 0 NOT NULL,
  "rows" bigint DEFAULT 0 NOT NULL,
  "messages" bigint DEFAULT 0 NOT NULL,
  "deletions" bigint DEFAULT 0 NOT NULL,
  "requests" bigint DEFAULT 0 NOT NULL,
  "retries" bigint DEFAULT 0 NOT NULL,
  "waits" bigint DEFAULT 0 NOT NULL,
  "code" text,
  "detail" text,
  "verdict" text,
  CONSTRAINT "sync_run_mode_check" CHECK ("sync_run"."mode" in ('FULL', 'DELTA', 'CENSUS')),
  CONSTRAINT "sync_run_state_check" CHECK ("sync_run"."state" in ('RUNNING', 'DONE', 'FAILED', 'STOPPED', 'LOST'))
);


CREATE TABLE "sync_state" (
  "source" text NOT NULL,
  "object" text NOT NULL,
  "state" text DEFAULT 'IDLE' NOT NULL,
  "since" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "code" text,
  "detail" text,
  "verdict" text,
  "attempts" integer DEFAULT 0 NOT NULL,
  "failed_since" timestamp with time zone,
  "due_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "requested" text,
  "position" jsonb,
  "position_at" timestamp with time zone,
  "expires_at" timestamp with time zone,
  "within_run" boolean DEFAULT false NOT NULL,
  "rescan_since" timestamp with time zone,
  "rows" bigint DEFAULT 0 NOT NULL,
  "announced" bigint,
  "success_at" timestamp with time zone,
  "census_at" timestamp with time zone,
  "inbox_id" bigint DEFAULT 0 NOT NULL,
  "census_missing" bigint,
  "census_allowed" bigint,
  "fence" bigint DEFAULT 0 NOT NULL,
  "leased_by" uuid,
  "leased_until" timestamp with time zone,
  CONSTRAINT "sync_state_pkey" PRIMARY KEY("source","object"),
  CONSTRAINT "sync_state_state_check" CHECK ("sync_state"."state" in ('IDLE', 'RUNNING', 'PAUSED', 'FAILED', 'RESCAN')),
  CONSTRAINT "sync_state_requested_check" CHECK ("sync_state"."requested" in ('RUN', 'CENSUS'))
);


CREATE INDEX "sync_run_object" ON "sync_run" USING btree ("source","object","id");

CREATE INDEX "sync_run_open" ON "sync_run" USING btree ("source","object") WHERE "sync_run"."ended_at" is null;

CREATE INDEX "sync_run_ended" ON "sync_run" USING btree ("ended_at");
