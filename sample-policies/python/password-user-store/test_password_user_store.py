import hashlib
import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import password_user_store
import pytest
from user_store import Store, matching_step, one_time_password, otp_secret

from placet import App
from placet.testing import Case, Client, cases, check_case, envelope
from placet.types import Decision

CASES = cases(Path(__file__).with_name("cases.json"))
NOW = 1_795_428_300.0
#: Enough for a test.
ROUNDS = 2**4


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "users.db", ROUNDS)
    made.add("alice", "wonderland")
    return made


@pytest.fixture
def bob(store: Store) -> bytes:
    """The secret of bob's one-time passwords."""
    text = store.add("bob", "builder", sub="user-2", otp=True)
    assert text is not None
    return otp_secret(text)


@pytest.fixture
def app(store: Store, bob: bytes) -> App:
    return password_user_store.policy(store, clock=lambda: NOW)


def sign_in(app: App, username: str, password: str, otp: str | None = None, mode: str = "enforce") -> Decision:
    return Client(app).ask(
        "grant.password", {"mode": mode, "password": {"username": username, "password": password, "otp": otp}}
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Case, app: App) -> None:
    check_case(app, case)


def test_who_signs_in_is_told_to_the_server_with_when_and_how(app: App, bob: bytes) -> None:
    decision = sign_in(app, "bob", "builder", one_time_password(bob, int(NOW // 30)))
    assert decision["set"] == {
        "grant": {
            "sub": "user-2",
            "authentication": {
                "authenticated_at": "2026-11-23T10:05:00Z",
                "acr": "urn:placet:acr:mfa",
                "amr": ["pwd", "otp"],
            },
        }
    }


def test_where_the_authentication_may_not_be_set_only_the_subject_is(app: App) -> None:
    decision = Client(app).ask("grant.password", {"limits": {"grant": {"authentication": "forbidden"}}})
    assert decision["set"] == {"grant": {"sub": "alice"}}


def test_every_way_to_be_wrong_costs_one_digest_of_the_same_kind(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    digests: list[tuple[int, dict[str, Any]]] = []
    scrypt: Callable[..., bytes] = hashlib.scrypt

    def counted(password: bytes, **cost: Any) -> bytes:
        digests.append((len(cost.pop("salt")), cost))
        return scrypt(password, salt=bytes(16), **cost)

    monkeypatch.setattr("user_store.hashlib.scrypt", counted)
    for name, password in (("alice", "wrong"), ("nobody", "wonderland"), ("bob", "builder"), ("bob", "wrong")):
        assert sign_in(app, name, password)["decision"] == "deny"
    assert len(digests) == 4
    assert all(digest == digests[0] for digest in digests)


def test_a_one_time_password_works_once(app: App, bob: bytes) -> None:
    otp = one_time_password(bob, int(NOW // 30))
    assert sign_in(app, "bob", "builder", otp)["decision"] == "allow"
    assert sign_in(app, "bob", "builder", otp)["decision"] == "deny"
    assert sign_in(app, "bob", "builder", one_time_password(bob, int(NOW // 30) - 1))["decision"] == "deny"
    assert sign_in(app, "bob", "builder", one_time_password(bob, int(NOW // 30) + 1))["decision"] == "allow"


def test_a_wrong_password_does_not_spend_the_one_time_password(app: App, bob: bytes) -> None:
    otp = one_time_password(bob, int(NOW // 30))
    assert sign_in(app, "bob", "wrong", otp)["decision"] == "deny"
    assert sign_in(app, "bob", "builder", otp)["decision"] == "allow"


def test_what_does_not_count_spends_nothing(app: App, bob: bytes) -> None:
    otp = one_time_password(bob, int(NOW // 30))
    for mode in ("shadow", "test", "enforce"):
        assert sign_in(app, "bob", "builder", otp, mode)["decision"] == "allow"
    assert sign_in(app, "bob", "builder", otp, "shadow")["decision"] == "deny"


def test_a_request_that_comes_again_is_answered_again(app: App, bob: bytes) -> None:
    otp = one_time_password(bob, int(NOW // 30))
    client = Client(app)
    asked = envelope("grant.password", {"password": {"username": "bob", "password": "builder", "otp": otp}})
    assert client.post(asked).body == client.post({**asked, "attempt": 2}).body


@pytest.mark.parametrize("otp", [None, "", "000000", "abc", "1234567", "½½½½½½"])
def test_a_one_time_password_that_is_none_is_refused(app: App, otp: str | None) -> None:
    assert sign_in(app, "bob", "builder", otp)["decision"] == "deny"


@pytest.mark.parametrize("name", ["x" * 1025, "alice' --", "", "alíce", "alice\x00"])
def test_odd_names_are_nobody(app: App, name: str) -> None:
    assert sign_in(app, name, "wonderland")["decision"] == "deny"


def test_one_time_passwords_are_those_of_the_specification() -> None:
    secret = b"12345678901234567890"
    # RFC 4226 appendix D, and RFC 6238 appendix B.
    assert [one_time_password(secret, step) for step in range(4)] == ["755224", "287082", "359152", "969429"]
    assert one_time_password(secret, 1111111109 // 30) == "081804"
    for seconds, step in ((1111111109, 37037036), (1111111109 + 30, 37037036), (1111111109 + 60, None)):
        assert matching_step(secret, "081804", seconds) == step


def test_passwords_are_nowhere_in_the_file(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "users.db"
    assert b"wonderland" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(sqlite3.IntegrityError):
        store.add("alice", "again")
    with pytest.raises(sqlite3.IntegrityError):
        store.add("carol", "again", sub="alice")


def test_a_file_keeps_its_cost(tmp_path: Path) -> None:
    file = tmp_path / "users.db"
    Store(file, ROUNDS).add("alice", "wonderland")
    assert Store(file, ROUNDS * 2).authenticate("alice", "wonderland", None, NOW, spend=True) is not None


def test_users_are_added_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLACET_USERS", str(tmp_path / "other.db"))
    monkeypatch.setenv("PLACET_USERS_ROUNDS", str(ROUNDS))
    monkeypatch.setattr("sys.stdin", io.StringIO("swordfish\n"))
    password_user_store.main(["add", "carol", "--otp"])
    assert capsys.readouterr().out.startswith("otpauth://totp/Placet:carol?secret=")
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(SystemExit):
        password_user_store.main(["add", "bob"])
