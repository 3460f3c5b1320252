-- What finance asks every morning: which objects and systems should agree and do not. Each difference is kept until it is gone.
CREATE TABLE "reconcile_difference" (
  "check_name" text NOT NULL,
  "key" text NOT NULL,
  "record" uuid,
  "source" text,
  "customer" uuid,
  "amount_minor" double precision,
  "currency" text,
  "day" date,
  "entity" text,
  "detail" text NOT NULL,
  "first_seen" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "last_seen" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "cleared_at" timestamp with time zone,
  CONSTRAINT "reconcile_difference_pkey" PRIMARY KEY("check_name","key")
);

CREATE TABLE "reconcile_run" (
  "id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "reconcile_run_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
  "check_name" text NOT NULL,
  "at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  "skipped" text,
  "open" integer NOT NULL,
  "found" integer NOT NULL,
  "cleared" integer NOT NULL,
  "ms" integer NOT NULL,
  "amounts" jsonb NOT NULL
);

CREATE INDEX "reconcile_difference_open" ON "reconcile_difference" USING btree ("first_seen" DESC NULLS FIRST,"check_name","key") WHERE "reconcile_difference"."cleared_at" is null;

CREATE INDEX "reconcile_difference_customer" ON "reconcile_difference" USING btree ("customer") WHERE "reconcile_difference"."cleared_at" is null;

CREATE INDEX "reconcile_run_place" ON "reconcile_run" USING btree ("check_name","at" DESC NULLS FIRST);
