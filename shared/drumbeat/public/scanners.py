"""Programs that follow every link of a mail before its reader sees it, as they call themselves.

Kept short: most of them call themselves a browser, and are told apart by their haste. A name that is wrong here locks
no person out: who presses again after a moment is believed, whatever their browser is called.
"""

NAMES = (
    "barracuda",
    "proofpoint",
    "mimecast",
    "symantec",
    "messagelabs",
    "trendmicro",
    "forcepoint",
    "safelinks",
    "googleimageproxy",
    "yahoomailproxy",
    "google-safety",
    "linkpreview",
    "facebookexternalhit",
    "slackbot",
    "headlesschrome",
    "phantomjs",
)


def is_scanner(user_agent: str) -> bool:
    """Return whether a program says that it is one of them."""
    name = user_agent.lower()
    return any(known in name for known in NAMES)
