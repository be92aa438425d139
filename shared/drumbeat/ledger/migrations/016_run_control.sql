-- What people do with runs that ended, and what is read when one complains. Nothing here reads a table but to make an index
-- of complaints: an instant.

-- A run is sent once more to those who did not get it: its chunks that have been gone through for that; null: never.
ALTER TABLE run_progress ADD COLUMN again integer;
GRANT UPDATE (again) ON run_progress TO drumbeat_app;

-- Few: the complaints since a run began are looked at when there is another.
CREATE INDEX feedback_complaints ON feedback (at, effect_id) WHERE kind = 'complained';
