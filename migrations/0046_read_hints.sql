-- Records that events only named. They are read again by the role pull; the rows stay until then, so that an event is
-- acknowledged only when its hint is stored.
CREATE TABLE "read_hint" (
  "source" text NOT NULL,
  "object" text NOT NULL,
  "id" text NOT NULL,
  "gone" boolean DEFAULT false NOT NULL,
  "times" bigint DEFAULT 1 NOT NULL,
  "since" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "hinted_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "due_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "attempts" integer DEFAULT 0 NOT NULL,
  "code" text,
  "detail" text,
  "correlation_id" uuid NOT NULL,
  CONSTRAINT "read_hint_pkey" PRIMARY KEY("source","object","id")
);


ALTER TABLE "sync_state" ADD COLUMN "hint_code" text;

ALTER TABLE "sync_state" ADD COLUMN "hint_detail" text;

ALTER TABLE "sync_state" ADD COLUMN "hint_attempts" integer DEFAULT 0 NOT NULL;

ALTER TABLE "sync_state" ADD COLUMN "hints_due_at" timestamp with time zone;

CREATE INDEX "read_hint_due" ON "read_hint" USING btree ("source","object","due_at");
