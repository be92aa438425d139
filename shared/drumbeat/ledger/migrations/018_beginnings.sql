-- How often runs of a campaign have begun to send. Whether a run says what the last one said is read before it begins; of
-- two that were decided at the same moment only one finds this as it was. A release before counts nothing, so that it
-- says nothing of how many there were. Nothing here reads a table: an instant.
CREATE TABLE beginnings (
    campaign text PRIMARY KEY,
    number   integer NOT NULL
);
GRANT SELECT, INSERT ON beginnings TO drumbeat_app;
GRANT UPDATE (number) ON beginnings TO drumbeat_app;
