"""How a sidecar is set up: from the environment, unless the program says otherwise."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .signature import Secret

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8092


class SettingsError(ValueError):
    """A setting is missing or wrong. The text names it and never shows a secret."""


@dataclass(frozen=True)
class Settings:
    """Secrets and names of a sidecar."""

    #: What requests may be signed with: the current secret, and the previous one during a rotation.
    secrets: tuple[Secret, ...]
    #: What answers are signed with.
    response_secret: Secret | None
    #: The URL under which the server's operator registered the sidecar.
    sidecar_id: str

    def __post_init__(self) -> None:
        if not self.secrets:
            raise SettingsError("PLACET_SECRET is not set")
        # With one secret for both directions, a request could be sent back as an answer.
        if self.response_secret and any(self.response_secret.equals(secret) for secret in self.secrets):
            raise SettingsError("PLACET_RESPONSE_SECRET is a secret of requests; it has to be another")
        url = urlsplit(self.sidecar_id)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
            raise SettingsError("PLACET_SIDECAR_ID is not an http or https URL without query")

    @property
    def path(self) -> str:
        """The path of the sidecar's URL; empty if it has none."""
        return urlsplit(self.sidecar_id).path.rstrip("/")


def from_environment(environment: Mapping[str, str] = os.environ, served: tuple[str, int] | None = None) -> Settings:
    """Reads PLACET_SECRET, PLACET_PREVIOUS_SECRET, PLACET_RESPONSE_SECRET and PLACET_SIDECAR_ID. Without the last, the
    sidecar is what is `served` at a host and port; HOST and PORT if that is not given.
    """
    current, previous = _secret(environment, "PLACET_SECRET"), _secret(environment, "PLACET_PREVIOUS_SECRET")
    if current is None:
        raise SettingsError("PLACET_SECRET is not set")
    host, port = address(environment) if served is None else served
    return Settings(
        secrets=(current,) if previous is None else (current, previous),
        response_secret=_secret(environment, "PLACET_RESPONSE_SECRET"),
        sidecar_id=environment.get("PLACET_SIDECAR_ID") or f"http://{_in_url(host)}:{port}",
    )


def address(environment: Mapping[str, str] = os.environ) -> tuple[str, int]:
    """Reads HOST and PORT."""
    port = environment.get("PORT") or str(DEFAULT_PORT)
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise SettingsError("PORT is not a port")
    return environment.get("HOST") or DEFAULT_HOST, int(port)


def _secret(environment: Mapping[str, str], name: str) -> Secret | None:
    text = environment.get(name)
    if not text:
        return None
    try:
        return Secret(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
