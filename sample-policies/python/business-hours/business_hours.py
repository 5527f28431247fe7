"""Lets clients in only while the office is open."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from placet import Answer, App, Request, deny

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: For how many seconds the server may use an allow again, unless the office closes before.
CACHED = 60

Clock = Callable[[Request], datetime]


def server_clock(x: Request) -> datetime:
    """The time of the question: the server signed it, so that the clock of this machine does not matter."""
    return x.time


@dataclass(frozen=True)
class Hours:
    """When the office is open: on these days, but for the holidays, from `opens` until just before `closes`."""

    zone: ZoneInfo
    days: frozenset[str]
    opens: time
    closes: time
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.days or not self.days <= set(WEEK):
            raise ValueError(f"days are some of {', '.join(WEEK)}")
        if self.opens >= self.closes:
            raise ValueError("the office closes after it opens, on the same day")

    def left(self, moment: datetime) -> int:
        """For how many seconds the office is still open; 0 when it is closed."""
        local = moment.astimezone(self.zone)
        if WEEK[local.weekday()] not in self.days or local.date() in self.holidays:
            return 0
        if not self.opens <= local.time() < self.closes:
            return 0
        end = datetime.combine(local.date(), self.closes, self.zone)
        return max(0, int((end - moment) / timedelta(seconds=1)))


def from_environment(environment: Mapping[str, str] = os.environ) -> Hours:
    """Reads OFFICE_ZONE, OFFICE_DAYS, OFFICE_OPENS, OFFICE_CLOSES and OFFICE_HOLIDAYS."""

    def words(name: str, default: str) -> list[str]:
        return [word.strip() for word in environment.get(name, default).split(",") if word.strip()]

    return Hours(
        zone=ZoneInfo(environment.get("OFFICE_ZONE", "Europe/Berlin")),
        days=frozenset(word.lower() for word in words("OFFICE_DAYS", "mon,tue,wed,thu,fri")),
        opens=time.fromisoformat(environment.get("OFFICE_OPENS", "08:00")),
        closes=time.fromisoformat(environment.get("OFFICE_CLOSES", "18:00")),
        holidays=frozenset(date.fromisoformat(word) for word in words("OFFICE_HOLIDAYS", "")),
    )


def policy(hours: Hours, clock: Clock = server_clock) -> App:
    """The policy for these hours."""
    app = App("business-hours", "1")

    # The time of a question is no fact that the server keys its memory by: what is remembered has to end by itself.
    @app.on("authorization.request", "grant.client_credentials", cache=0, needs=[], returns=[])
    def open_hours(x: Request) -> Answer:
        left = hours.left(clock(x))
        if left == 0:
            return deny("access_denied", "the office is closed").reason("closed")
        return x.allow().reason("open").cache(min(CACHED, left))

    return app


if __name__ == "__main__":
    policy(from_environment()).run()
