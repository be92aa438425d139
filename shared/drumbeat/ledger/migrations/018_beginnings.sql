-- Grows whenever a run of a campaign begins to send. Whether a run says what the last one said is read before it begins: of
-- two that are decided at the same moment, one finds the number changed. The release before does not count, so it is not
-- how many runs there were. Nothing here reads a table: an instant.
CREATE TABLE beginnings (
    campaign text PRIMARY KEY,
    number   integer NOT NULL
);
GRANT SELECT, INSERT ON beginnings TO drumbeat_app;
GRANT UPDATE (number) ON beginnings TO drumbeat_app;
