"""Programs that follow every link of a mail, or load its images, before its reader sees it, as they show themselves.

Kept short: most of them call themselves a browser, and are told apart by their haste. A name that is wrong here locks
no person out: who presses again after a moment is believed, whatever their browser is called.
"""

from ipaddress import ip_address, ip_network

SCANNERS = (
    "barracuda",
    "proofpoint",
    "mimecast",
    "symantec",
    "messagelabs",
    "trendmicro",
    "forcepoint",
    "safelinks",
    "google-safety",
    "linkpreview",
    "facebookexternalhit",
    "slackbot",
    "headlesschrome",
    "phantomjs",
)
# They load images when a person opens the mail, so an open of theirs may be a person's; a press is not.
IMAGE_PROXIES = ("googleimageproxy", "yahoomailproxy")
# Apple's Mail Privacy Protection loads every image when the mail arrives, under this name and no more:
# https://help.socketlabs.com/docs/identifying-apple-mpp-opens-in-notification-api-events
PRIVACY_PROXY = "mozilla/5.0"
# Apple (ARIN, NET-17-0-0-0-1). A request from there that names no browser is no person's.
GATEWAYS = (ip_network("17.0.0.0/8"),)


def is_scanner(user_agent: str) -> bool:
    """Return whether a program says that it is one of them."""
    name = user_agent.lower()
    return any(known in name for known in SCANNERS + IMAGE_PROXIES)


def opened_by_machine(user_agent: str, address: str = "") -> bool:
    """Return whether what opened a mail or followed its link shows that it is no person.

    `address` is the IP address that it came from; '': not known. False proves nothing.
    """
    name = user_agent.strip().lower()
    if not name:
        return _is_gateway(address)
    return name == PRIVACY_PROXY or any(known in name for known in SCANNERS)


def _is_gateway(address: str) -> bool:
    try:
        read = ip_address(address)
    except ValueError:
        return False
    return any(read in network for network in GATEWAYS)
