import json
import re
from pathlib import Path
from typing import Any

import pytest
import saml_attribute_mapping
from saml_attribute_mapping import Partner, acr

from placet import App
from placet.testing import Case, Client, cases, check_case

HERE = Path(__file__).parent
MAPPING: dict[str, Any] = json.loads((HERE / "mapping.json").read_text())
CASES = cases(HERE / "cases.json")
ADJUSTER = CASES[0]


@pytest.fixture
def app() -> App:
    return saml_attribute_mapping.policy(saml_attribute_mapping.partners(MAPPING))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Case, app: App) -> None:
    check_case(app, case)


@pytest.mark.parametrize(
    ("limits", "decision", "told"),
    [
        ({"access_token": {"max_claims_bytes": 10}}, "deny", "claims_not_settable"),
        ({"access_token": None}, "deny", "claims_not_settable"),
        ({"reserved_claims": ["roles"]}, "deny", "claims_not_settable"),
        ({"scope": []}, "deny", "no_entitlement"),
        ({"authentication": "fixed"}, "allow", "mapped"),
    ],
)
def test_what_the_limits_do_not_allow_is_not_set(app: App, limits: dict[str, Any], decision: str, told: str) -> None:
    patch = json.loads(json.dumps(ADJUSTER.patch))
    patch["limits"]["grant"].update(limits)
    decided = Client(app).ask("grant.saml2_bearer", patch)
    assert (decided["decision"], decided["reason"]["code"]) == (decision, told)
    assert "authentication" not in decided.get("set", {}).get("grant", {})


@pytest.mark.parametrize("missing", ["organization", "subject", "entitlements", "authentication"])
def test_a_mapping_that_is_not_complete_is_refused_at_the_start(missing: str) -> None:
    mapping = json.loads(json.dumps(MAPPING))
    del mapping["https://idp.partner.example/saml"][missing]
    with pytest.raises(KeyError):
        saml_attribute_mapping.partners(mapping)


def test_of_two_statements_that_differ_none_counts() -> None:
    partner = Partner("p", "n", re.compile("."), "e", {}, "low", {"strong": "high", "stronger": "high"})
    strong, stronger, weak = ({"class_ref": name} for name in ("strong", "stronger", "weak"))
    assert acr(partner, {"authn": [strong]}) == "high"
    assert acr(partner, {"authn": [strong, stronger]}) == "high"
    assert acr(partner, {"authn": [strong, weak]}) == "low"
    assert acr(partner, {"authn": []}) == "low"
