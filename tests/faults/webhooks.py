"""Deliveries of webhooks, signed by their senders: one whose id is signed too, and one whose id is not."""

import json
import os
from base64 import b64encode
from dataclasses import dataclass

from drumbeat.sources.signature import Delivery, digest

SECRET = b"simulated-webhook-secret"
os.environ["SIMULATED_WEBHOOK"] = b64encode(SECRET).decode()  # where the sample's sources read it


@dataclass(frozen=True, slots=True)
class Webhook:
    """Something that happened at a sender, which repeats it under the same id until it has an answer."""

    name: str
    source: str = "orders"  # or `forms`, which does not sign the id; or `batches`, whose deliveries are split
    people: tuple[str, ...] = ()  # of one delivery of many facts

    @property
    def type(self) -> str:
        return "LEAD_CAPTURE" if self.people else "CONTENT_PUBLISH"

    @property
    def body(self) -> bytes:
        people = [{"email": f"{name}@example.com", "name": name} for name in self.people]
        return json.dumps({"people": people} if people else {"name": self.name}).encode()

    def delivery(self, now: float, id: str = "") -> Delivery:
        """Return the request as its sender makes it now, or as one who has seen it makes it under another id."""
        headers = self._signed_alone(id or self.name) if self.source == "forms" else self._signed_with_id(round(now))
        return Delivery("POST", f"https://drumbeat.example/v1/webhooks/{self.source}", headers, self.body)

    def _signed_with_id(self, now: int) -> dict[str, str]:
        signature = digest(SECRET, f"{self.name}.{now}.".encode(), self.body)
        return {
            "webhook-id": self.name,
            "webhook-timestamp": str(now),
            "webhook-signature": f"v1,{b64encode(signature).decode()}",
        }

    def _signed_alone(self, id: str) -> dict[str, str]:
        signature = digest(os.environ["SIMULATED_WEBHOOK"], self.body).hex()
        return {"x-hub-signature-256": f"sha256={signature}", "x-github-delivery": id}
