"""The wheel that `check` built, and that these tests run against."""

from __future__ import annotations

import os
import zipfile
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path

import pytest

import placet

WHEEL = os.environ.get("PLACET_SDK_WHEEL", "")
SOURCES = Path(__file__).resolve().parents[1] / "src"

pytestmark = pytest.mark.skipif(not WHEEL, reason="`check` builds the wheel")


def test_the_wheel_has_every_source_and_nothing_else() -> None:
    wanted = {path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*") if path.suffix in (".py", ".typed")}
    with zipfile.ZipFile(WHEEL) as wheel:
        about = "placet_sdk-0.1.0.dist-info/"
        found = set(wheel.namelist())
        assert {name for name in found if not name.startswith(about)} == wanted
        assert {name.removeprefix(about) for name in found if name.startswith(about)} == {
            "METADATA",
            "RECORD",
            "WHEEL",
            "licenses/LICENSE",
        }
        assert b"Apache License" in wheel.read(about + "licenses/LICENSE")


def test_the_wheel_is_for_every_python_3_and_needs_nothing() -> None:
    assert Path(WHEEL).name == "placet_sdk-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(WHEEL) as wheel:
        told = Parser().parsestr(wheel.read("placet_sdk-0.1.0.dist-info/METADATA").decode())
    assert (told["Name"], told["Version"], told["Requires-Python"]) == ("placet-sdk", "0.1.0", ">=3.10")
    assert told["License-Expression"] == "Apache-2.0"
    assert told.get_all("Requires-Dist") is None
    assert "# placet-sdk" in told.get_payload()


def test_what_is_tested_is_what_is_in_the_wheel() -> None:
    assert version("placet-sdk") == "0.1.0"
    assert SOURCES not in Path(placet.__file__).resolve().parents
