"""Points in time as the protocol writes them: RFC 3339 in UTC, ending in `Z`."""

import re
from datetime import datetime, timezone

_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?Z", re.ASCII)


def read(text: str) -> datetime:
    """The moment that an instant of a request stands for. Raises ValueError for anything else."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError("an instant is RFC 3339 in UTC, ending in `Z`")
    whole = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc)
    return whole.replace(microsecond=int((found[2] or "0")[:6].ljust(6, "0")))


def write(moment: datetime) -> str:
    """A moment as an instant, in whole seconds. ValueError for one without a time zone, which could be any."""
    if moment.tzinfo is None:
        raise ValueError("a moment has a time zone")
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
