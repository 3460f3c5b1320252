-- Who last asked for a pause, a rescan or a run, and under which key: a repeated request changes nothing.
ALTER TABLE "sync_state" ADD COLUMN "actor" text;

ALTER TABLE "sync_state" ADD COLUMN "request_key" text;
