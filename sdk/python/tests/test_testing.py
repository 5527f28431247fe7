from __future__ import annotations

import json
from pathlib import Path

import pytest

from placet import App, deny
from placet.testing import Client, cases, check_case, envelope, merge_patch

APP = App()
APP.on("grant.password")(lambda x: x.allow(sub=x.section["username"]).set(grant={"act": None}))
APP.on("logout.evaluate")(lambda x: deny("access_denied"))

CASES = {
    "cases": [
        {
            "name": "alice signs in",
            "given": {"type": "grant.password", "patch": {"password": {"username": "al/ice"}}},
            "expect": {
                "decision": "allow",
                "pointers": {"/set/grant/sub": "al/ice", "/set/grant/act": None},
                "absent": ["/error"],
            },
        },
        {"name": "nobody leaves", "given": {"type": "logout.evaluate"}, "expect": {"decision": "deny"}},
        {
            "name": "wrong",
            "given": {"type": "grant.password"},
            "expect": {
                "decision": "deny",
                "pointers": {"/set/grant/sub": "bob", "/tags/0": "x", "/tags": None},
                "absent": ["/set"],
            },
        },
    ]
}


def test_cases_are_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(CASES))
    alice, nobody, wrong = cases(file)
    check_case(APP, alice)
    check_case(APP, nobody)
    with pytest.raises(AssertionError) as failed:
        check_case(APP, wrong)
    assert str(failed.value).splitlines() == [
        "wrong: the decision is 'allow', not 'deny'",
        "wrong: `/set/grant/sub` is 'alice', not 'bob'",
        "wrong: `/tags/0` is not there, and should be 'x'",
        "wrong: `/tags` is not there, and should be None",
        "wrong: `/set` is {'grant': {'sub': 'alice', 'act': None}}, and should not be there",
    ]


def test_a_file_without_cases_is_not_taken_for_one_that_passes(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    misspelt = {"cases": [{"name": "a", "given": {"type": "grant.password"}, "expect": {"desicion": "deny"}}]}
    for text in ("{}", '{"cases": []}', '{"cases": [{}]}', json.dumps(misspelt)):
        file.write_text(text)
        with pytest.raises((KeyError, TypeError, ValueError)):
            cases(file)


def test_where_there_is_no_decision_asking_fails() -> None:
    with pytest.raises(AssertionError, match="501"):
        Client(APP).ask("client.delete")


def test_a_code_that_the_type_does_not_have_is_noticed_unless_the_operator_allows_it() -> None:
    app = App()
    app.on("logout.evaluate")(lambda x: deny("too_late"))
    with pytest.raises(AssertionError, match="`too_late` is no code of this type"):
        Client(app).ask("logout.evaluate")
    assert Client(app, ["too_late"]).ask("logout.evaluate")["decision"] == "deny"


def test_merge_patches_do_what_rfc_7396_says() -> None:
    for target, patch, merged in [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        (["a", "b"], ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ]:
        assert merge_patch(target, patch) == merged


def test_requests_differ_by_id_and_do_not_share_what_they_hold() -> None:
    one, two = envelope("grant.password"), envelope("grant.password")
    assert one["id"] != two["id"]
    one["client"]["scope"].clear()
    assert two["client"]["scope"]
    assert envelope("grant.password")["limits"]["grant"]["scope"]
