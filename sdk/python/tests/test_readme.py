"""What the documentation shows works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import placet
from placet.testing import Client

README = (Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("text", [README, placet.__doc__ or ""], ids=["README", "docstring"])
def test_the_example_delegates_what_it_says(text: str) -> None:
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    example: dict[str, Any] = {"__name__": "example"}
    exec(found[1], example)
    client = Client(example["app"])
    shipping = {"limits": {"grant": {"scope": ["shipping.quote", "orders.read"]}}}
    allowed = client.ask("grant.token_exchange", shipping)
    assert allowed["set"] == {"grant": {"scope": ["shipping.quote"], "access_token": {"lifetime": 120}}}
    assert allowed["cache"] == {"max_age": 20}
    assert client.ask("grant.token_exchange")["error"]["code"] == "invalid_scope"
    assert client.ask("grant.token_exchange", {"actor": None})["error"]["code"] == "invalid_request"
