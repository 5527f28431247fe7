from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest

from placet import App, Request, challenge, deny, instant
from placet.answer import Answer
from placet.testing import Client, envelope
from placet.types import Decision, DecisionRequest, HookType


def request(hook: HookType, patch: dict[str, Any] | None = None) -> Request:
    return Request(cast(DecisionRequest, envelope(hook, patch)), deadline=0.0)


def decided(answer: Answer) -> Decision:
    return answer.decision("dec_1")


def test_a_request_shows_what_was_sent_and_none_where_nothing_was() -> None:
    x = request("grant.token_exchange", {"tenant": "acme", "time": "2026-11-23T10:05:00.12Z"})
    assert (x.type, x.issuer, x.tenant, x.enforced) == ("grant.token_exchange", "https://as.example", "acme", True)
    assert x.client is not None and x.client["client_id"] == "books-web"
    assert x.subject is not None and x.subject["sub"] == "alice"
    assert x.actor is not None and x.actor["sub"] == "books-web"
    assert x.grant is not None and x.grant["requested"].get("scope") == x.limits.scope
    assert x.request["endpoint"] == "token"
    assert x.section["semantics"] == "delegation"
    assert x.time == datetime(2026, 11, 23, 10, 5, 0, 120_000, timezone.utc)
    assert (x.session, x.interaction, x.pop) == (None, None, None)
    assert x.remaining == 0


def test_every_other_fact_has_its_place_too() -> None:
    x = request("interaction.approve", {"mode": "shadow", "pop": {"binding": "none"}})
    assert x.session is not None and x.session["sub"] == "alice"
    assert x.interaction is not None and x.interaction["stage"] == "approve"
    assert x.pop == {"binding": "none"}
    assert not x.enforced
    assert x.proposal["grant"]["sub"] == "alice"


def test_a_request_that_holds_a_password_does_not_show_it() -> None:
    x = request("grant.password")
    assert x.section["password"] == "wonderland"
    assert "wonderland" not in repr(x) + str(x)


def test_a_pointer_finds_what_is_there() -> None:
    x = request("claims.source", {"client": {"data": {"a/b": {"m~n": 7}}}})
    assert x.get("/claims/requested/1/name") == "name"
    assert x.get("/client/data/a~1b/m~0n") == 7
    assert x.get("/claims/requested/9") is None
    assert x.get("/claims/requested/name") is None
    assert x.get("/client/data/tier", "bronze") == "bronze"
    assert x.get("") == x.envelope


def test_limits_answer_what_may_be_set() -> None:
    limits = request("grant.password").limits
    assert limits.scope == ["openid", "profile", "reports.read", "reports.write"]
    assert limits.scope_where(lambda value: value.startswith("reports.")) == ["reports.read", "reports.write"]
    assert limits.resources == ["https://api.example/reports"]
    assert limits.max_lifetime == 600
    assert limits.settable("sub") and not limits.settable("act")
    assert "session" not in limits.sections
    assert request("claims.source").limits.claim_names == ["email", "name"]


def test_claims_fit_as_long_as_none_is_reserved_and_all_are_short_enough() -> None:
    limits = request("grant.password", {"limits": {"grant": {"access_token": {"max_claims_bytes": 14}}}}).limits
    assert limits.takes_claims({"org": "née"})
    assert not limits.takes_claims({"org": "nées"})
    assert not limits.takes_claims({"sub": "x"})
    assert not request("logout.evaluate").limits.takes_claims({"org": "x"})


def test_where_no_limit_is_stated_nothing_may_be_set() -> None:
    limits = request("logout.evaluate").limits
    assert (limits.scope, limits.resources, limits.max_lifetime, limits.claim_names) == ([], [], 0, [])
    assert not limits.settable("sub")


def test_an_allow_starts_from_the_proposal() -> None:
    x = request("grant.client_credentials")
    assert decided(x.allow()) == {"id": "dec_1", "decision": "allow"}
    assert decided(x.allow(scope=["reports.read"], access_token={"lifetime": 120})) == {
        "id": "dec_1",
        "decision": "allow",
        "set": {"grant": {"scope": ["reports.read"], "access_token": {"lifetime": 120}}},
    }


def test_patches_add_up_and_none_removes() -> None:
    x = request("grant.password")
    answer = x.allow(data={"a": 1}).set(grant={"data": {"b": None}}, session={"max_idle": 60}).set(**{"x-note": 1})
    assert decided(answer)["set"] == {
        "grant": {"data": {"a": 1, "b": None}},
        "session": {"max_idle": 60},
        "x-note": 1,
    }


def test_a_member_or_section_that_does_not_exist_is_refused_at_once() -> None:
    x = request("grant.password")
    with pytest.raises(TypeError, match="no member `lifetime`"):
        x.allow(lifetime=120)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no section `grants`"):
        x.allow().set(grants={})


def test_a_denial_says_what_the_client_is_told() -> None:
    assert decided(deny("invalid_scope", "nothing is left", "https://policy.example/why")) == {
        "id": "dec_1",
        "decision": "deny",
        "error": {"code": "invalid_scope", "description": "nothing is left", "uri": "https://policy.example/why"},
    }


@pytest.mark.parametrize("description", ['a "word"', "a \\ word", "naïve", "two\nlines"])
def test_a_description_has_the_characters_that_oauth_allows(description: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        deny("access_denied", description)


def test_challenges_say_what_is_needed() -> None:
    wanted = [
        challenge.step_up(["urn:example:loa:2"], amr_values=["otp"], max_age=0, message="Is it you?"),
        challenge.step_up(),
        challenge.consent(["reports.read"], message="Again"),
        challenge.consent(),
        challenge.select_account(message="Which one?"),
        challenge.select_account(),
        challenge.prompt("accept_terms", {"version": "2026-10"}, message="Read"),
        challenge.prompt("accept_terms"),
    ]
    assert [decided(answer)["challenge"] for answer in wanted] == [
        {
            "kind": "step_up",
            "acr_values": ["urn:example:loa:2"],
            "amr_values": ["otp"],
            "max_age": 0,
            "message": "Is it you?",
        },
        {"kind": "step_up"},
        {"kind": "consent", "scope": ["reports.read"], "message": "Again"},
        {"kind": "consent"},
        {"kind": "select_account", "message": "Which one?"},
        {"kind": "select_account"},
        {"kind": "prompt", "name": "accept_terms", "params": {"version": "2026-10"}, "message": "Read"},
        {"kind": "prompt", "name": "accept_terms"},
    ]


def test_every_answer_takes_reason_tags_and_cache_and_stays_as_it_was() -> None:
    bare = deny("access_denied")
    full = bare.reason("closed", "after hours").tag("rule", "1").tag("zone", "utc").cache(5, 60)
    assert decided(full) == {
        **decided(bare),
        "reason": {"code": "closed", "detail": "after hours"},
        "tags": {"rule": "1", "zone": "utc"},
        "cache": {"max_age": 5, "stale_if_error": 60},
    }
    assert set(decided(bare)) == {"id", "decision", "error"}
    assert repr(full) == "<deny>"


def test_an_answer_has_sixteen_tags_at_most() -> None:
    answer = deny("access_denied")
    for number in range(16):
        answer = answer.tag(str(number), "x")
    assert len(answer.tag("0", "y").members["tags"]) == 16
    with pytest.raises(ValueError, match="16 tags"):
        answer.tag("16", "x")


def test_instants_are_read_with_any_fraction_and_written_in_utc() -> None:
    whole = datetime(2026, 11, 23, 10, 5, tzinfo=timezone.utc)
    assert instant.read("2026-11-23T10:05:00Z") == whole
    assert instant.read("2026-11-23T10:05:00.1234567Z") == whole + timedelta(microseconds=123_456)
    berlin = timezone(timedelta(hours=1))
    assert instant.write(whole.astimezone(berlin)) == "2026-11-23T10:05:00Z"


@pytest.mark.parametrize(
    "text", ["", "2026-11-23", "2026-11-23T10:05:00", "2026-11-23T10:05:00+01:00", "2026-13-01T00:00:00Z"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant.read(text)


def test_a_moment_without_zone_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant.write(datetime(2026, 11, 23))


def test_a_type_has_one_handler_and_exists() -> None:
    app = App()
    app.on("grant.password", "grant.client_credentials")(lambda x: x.allow())
    assert Client(app).ask("grant.password")["decision"] == "allow"
    with pytest.raises(ValueError, match=r"`grant\.password` has a handler already"):
        app.on("grant.password")(lambda x: x.allow())
    with pytest.raises(ValueError, match=r"no type `grant\.pasword`"):
        app.on("grant.pasword")(lambda x: x.allow())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="never remembered"):
        app.on("grant.saml2_bearer", cache=20)(lambda x: x.allow())
