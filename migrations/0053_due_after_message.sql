-- After a conflict a write is planned again once the message that states the record is applied: before it
-- the plan would expect the same values and be in conflict again.
ALTER TABLE "write_due" ADD COLUMN "after_inbox" bigint;
