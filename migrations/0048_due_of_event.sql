-- A due row names its event, so that the planner knows which records a merge or a split has moved, also
-- where the golden record has changed again since. The index serves the check before a create is sent.
ALTER TABLE "write_due" ADD COLUMN "position" bigint;

CREATE INDEX "write_due_golden" ON "write_due" USING btree ("golden_id");
