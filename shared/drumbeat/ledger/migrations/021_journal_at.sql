-- What happened last is read from the journal's end, in the order of time. Reads the journal once: about a second for a
-- million changes of status, in which effects cannot be moved on; events are recorded meanwhile.
CREATE INDEX journal_at ON journal (at);
