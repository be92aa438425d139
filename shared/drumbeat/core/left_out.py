"""Why a person of a run's audience is not mailed by a step: the words for each code."""

LEFT_OUT = {
    "suppressed": "suppressed",
    "complained": "called a mail spam",
    "no_consent": "not on the list",
    "consent_pending": "not confirmed yet",
    "withdrawn": "has left the list",
    "missed": "it came too late for their time zone",
    "no_local_time": "their clock skipped the time",
    "left_audience": "left the audience since",
    "not_expanded": "the run ended before",
    "run_cancelled": "the run was cancelled",
    "expired": "expired",
    "not_rendered": "the mail could not be filled",
    "capped": "mailed often enough",
}
