"""What the conformance kit says of the policies in Python. PLACET_BIN names the `placet` that brings the kit along."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from placet.testing import SECRET

PLACET = os.environ.get("PLACET_BIN", "")
SAMPLES = Path(__file__).resolve().parents[3] / "sample-policies"
RESPONSE = "whsec_c2lnbnMgYW5zd2VycywgYW5kIG5vdGhpbmcgZWxzZQ=="
PROGRAMS = {
    "python/business-hours": "business_hours.py",
    "python/password-user-store": "password_user_store.py",
    "python/saml-attribute-mapping": "saml_attribute_mapping.py",
    "no-sdk/scopes-by-tier": "scopes_by_tier.py",
}

pytestmark = pytest.mark.skipif(not PLACET, reason="PLACET_BIN names no program")


@pytest.mark.parametrize("sample", PROGRAMS)
def test_the_kit_finds_nothing_wrong(sample: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {
        **os.environ,
        "PORT": str(port),
        "PLACET_SECRET": SECRET,
        "PLACET_USERS": str(tmp_path / "users.db"),
        # The kit asks fifty questions at once.
        "PLACET_USERS_ROUNDS": "16",
    }
    kit = [
        PLACET,
        "check-sidecar",
        "--url",
        f"http://127.0.0.1:{port}",
        "--cases",
        str(SAMPLES / sample / "cases.json"),
    ]
    if sample.startswith("no-sdk"):
        kit += ["--types", "grant.client_credentials"]
    else:
        environment["PLACET_RESPONSE_SECRET"] = RESPONSE
    program = [sys.executable, str(SAMPLES / sample / PROGRAMS[sample])]
    if sample == "python/password-user-store":
        for password, user in (("wonderland", ["alice"]), ("builder", ["bob", "--otp"])):
            subprocess.run([*program, "add", *user], input=password, env=environment, text=True, check=True)
    process = subprocess.Popen(program, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        told = subprocess.run(kit, env=environment, capture_output=True, text=True, timeout=120, check=False)
    finally:
        process.terminate()
        process.wait(20)
    assert told.returncode == 0, told.stdout + told.stderr
    assert " 0 failed" in told.stdout
