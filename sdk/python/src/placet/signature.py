"""Standard Webhooks signatures (https://www.standardwebhooks.com), version `v1`: HMAC-SHA-256."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence

HEADER_ID = "webhook-id"
HEADER_TIMESTAMP = "webhook-timestamp"
HEADER_SIGNATURE = "webhook-signature"
#: How many seconds a signature may lie in the past or in the future.
TOLERANCE = 300
#: How many bytes a secret may have.
LENGTHS = range(24, 65)
#: How many signatures of one message are looked at: more than any rotation needs.
MOST_SIGNATURES = 8

# An id with a full stop would let one signature stand for two different requests.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class Secret:
    """A signing secret, `whsec_` and base64. It is never shown."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Raises ValueError, without the text, if this is no secret of 24 to 64 bytes."""
        if not text.strip().startswith("whsec_"):
            raise ValueError("a secret begins with `whsec_`")
        encoded = text.strip().removeprefix("whsec_").rstrip("=")
        try:
            # Writers differ about the padding.
            self._key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("a secret is base64 after `whsec_`") from None
        if len(self._key) not in LENGTHS:
            raise ValueError("a secret has 24 to 64 bytes")

    def sign(self, identifier: str, timestamp: int | str, body: bytes) -> str:
        """What stands in `webhook-signature` for this id, instant (seconds since the epoch) and body."""
        content = f"{identifier}.{timestamp}.".encode() + body
        return "v1," + base64.b64encode(hmac.digest(self._key, content, hashlib.sha256)).decode()

    def equals(self, other: "Secret") -> bool:
        """Whether both are the same key."""
        return hmac.compare_digest(self._key, other._key)

    def __repr__(self) -> str:
        return "Secret(…)"


def headers(secret: Secret, identifier: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed message."""
    return {
        HEADER_ID: identifier,
        HEADER_TIMESTAMP: str(timestamp),
        HEADER_SIGNATURE: secret.sign(identifier, timestamp, body),
    }


def verify(secrets: Sequence[Secret], sent: dict[str, str], body: bytes, now: float) -> bool:
    """Whether one of the signatures among the headers `sent` (names in lower case) was made with one of the secrets,
    at most five minutes from `now`.
    """
    identifier = sent.get(HEADER_ID, "")
    timestamp = sent.get(HEADER_TIMESTAMP, "")
    if not _ID.fullmatch(identifier) or not _TIMESTAMP.fullmatch(timestamp):
        return False
    if abs(now - int(timestamp)) > TOLERANCE:
        return False
    found = False
    given = sent.get(HEADER_SIGNATURE, "").encode("latin-1", "replace").split(b" ")
    signatures = [s for s in given if s.startswith(b"v1,")][:MOST_SIGNATURES]
    for secret in secrets:
        wanted = secret.sign(identifier, timestamp, body).encode()
        # Every pair is compared, so that time does not tell which secret or signature matched.
        for signature in signatures:
            found |= hmac.compare_digest(wanted, signature)
    return found
