-- How often the planning of an event by a configuration began late: not at its arrival, but when it had been found
-- without its plan. When that happened three times and there is no plan, planning does not come to an end: it ends its
-- worker, or the ledger refuses what comes of it. The rows stay: few events have one.
CREATE TABLE planning_starts (
    event_id   uuid NOT NULL REFERENCES events,
    version    integer NOT NULL,
    starts     integer NOT NULL DEFAULT 1,
    started_at timestamptz NOT NULL DEFAULT drumbeat_now(),
    PRIMARY KEY (event_id, version)
);
GRANT SELECT, INSERT, UPDATE (starts, started_at) ON planning_starts TO drumbeat_app;
