"""An address that a person typed: one reading as everywhere, and then what no mail server takes is said at once."""

from drumbeat.core.address import mailbox
from drumbeat.core.errors import InvalidAddress


def typed(text: str, *, local: bool) -> str:
    """Return the one spelling of an address that was typed, without asking any server about it.

    `local`: names below .test are taken, which no name server knows.

    Raises:
        InvalidAddress: it is no address, or none that mail reaches.
    """
    address = mailbox(text).address
    from email_validator import EmailNotValidError, validate_email  # most requests do not get so far

    try:
        validate_email(address, check_deliverability=False, allow_smtputf8=True, test_environment=local)
    except EmailNotValidError:  # whose words may repeat the address
        raise InvalidAddress("no mail reaches it") from None
    return address
