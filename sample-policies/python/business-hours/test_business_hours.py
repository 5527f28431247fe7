from datetime import date, datetime, time, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import business_hours
import pytest
from business_hours import Hours

from placet.testing import Case, Client, cases, check_case, envelope

DEFAULT = business_hours.from_environment({})
CASES = cases(Path(__file__).with_name("cases.json"))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Case) -> None:
    check_case(business_hours.policy(DEFAULT), case)


def test_the_clock_may_be_another() -> None:
    noon = business_hours.policy(DEFAULT, clock=lambda _: utc(2026, 11, 23, 12))
    night = business_hours.policy(DEFAULT, clock=lambda _: utc(2026, 11, 23, 23))
    assert Client(noon).ask("grant.client_credentials")["decision"] == "allow"
    assert Client(night).ask("grant.client_credentials")["decision"] == "deny"


def test_nothing_is_set_and_a_denial_is_not_remembered() -> None:
    client = Client(business_hours.policy(DEFAULT))
    assert "set" not in client.ask("grant.client_credentials", {"time": "2026-11-23T09:20:00Z"})
    denied = client.ask("grant.client_credentials", {"time": "2026-11-22T09:20:00Z"})
    assert denied["cache"] == {"max_age": 0}


def test_holidays_are_days_off_by_the_calendar_of_the_zone() -> None:
    zone = ZoneInfo("Pacific/Auckland")
    hours = Hours(zone, frozenset({"fri"}), time(8), time(18), frozenset({date(2026, 12, 25)}))
    assert hours.left(utc(2026, 12, 24, 20)) == 0  # the morning of the 25th there
    assert hours.left(utc(2026, 12, 17, 20)) > 0


def test_on_the_day_the_clocks_change_the_office_closes_on_time() -> None:
    hours = Hours(ZoneInfo("Europe/Berlin"), frozenset({"sun"}), time(1), time(18))
    assert hours.left(utc(2026, 10, 25, 0)) == 17 * 3600
    assert hours.left(utc(2026, 3, 29, 0)) == 16 * 3600


def test_a_time_that_cannot_be_read_opens_no_door() -> None:
    asked = envelope("grant.client_credentials", {"time": "tomorrow"})
    assert Client(business_hours.policy(DEFAULT)).post(asked).status == 500


@pytest.mark.parametrize(
    "environment",
    [
        {"OFFICE_ZONE": "Europe/Atlantis"},
        {"OFFICE_DAYS": "mon,funday"},
        {"OFFICE_DAYS": ""},
        {"OFFICE_OPENS": "18:00", "OFFICE_CLOSES": "08:00"},
        {"OFFICE_OPENS": "early"},
        {"OFFICE_HOLIDAYS": "christmas"},
    ],
)
def test_hours_that_make_no_sense_are_refused_at_the_start(environment: dict[str, str]) -> None:
    with pytest.raises((ValueError, KeyError)):
        business_hours.from_environment(environment)


def test_hours_come_from_the_environment() -> None:
    hours = business_hours.from_environment(
        {
            "OFFICE_ZONE": "Asia/Tokyo",
            "OFFICE_DAYS": "Sat, Sun",
            "OFFICE_OPENS": "10:30",
            "OFFICE_CLOSES": "12:00",
            "OFFICE_HOLIDAYS": "2026-11-22, 2026-11-23",
        }
    )
    assert hours.left(utc(2026, 11, 21, 1, 30)) == 5400
    assert hours.left(utc(2026, 11, 22, 1, 30)) == 0
