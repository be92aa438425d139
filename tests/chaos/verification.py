"""What Drumbeat's own verification finds of a stack."""

from tests.chaos.environment import Environment

TRIES = 3  # a machine that is busy with other things answers late


def verify(environment: Environment) -> list[str]:
    """Return the broken promises that it finds."""
    found: list[str] = []
    cursor = ""
    while True:
        tries = (environment.read(f"/v1/verify{cursor}") for _ in range(TRIES))
        chunk = next((answer for answer in tries if answer is not None), None)
        if chunk is None:
            return [*found, "verify: no answer"]
        found += [
            f"verify {item['kind']}: {item['subject']} {item['id']}: {item['sentence']}" for item in chunk["items"]
        ]
        if chunk["next"] is None:
            return found
        cursor = f"?cursor={chunk['next']}"
