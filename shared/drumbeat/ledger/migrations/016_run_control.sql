-- What people do with runs that ended, and what is read when one complains. Nothing here reads a table but to make an
-- index of complaints: an instant.

-- A run is sent once more to those who did not get it: its chunks that have been gone through for that; null: never.
ALTER TABLE run_progress ADD COLUMN again integer;
-- How many of its mails are known to be delivered, at least, since they were last counted for a complaint.
ALTER TABLE run_progress ADD COLUMN delivered bigint NOT NULL DEFAULT 0;
GRANT UPDATE (again, delivered) ON run_progress TO drumbeat_app;

-- Few: the complaints since a run began are looked at when there is another.
CREATE INDEX feedback_complaints ON feedback (at, effect_id) WHERE kind = 'complained';
