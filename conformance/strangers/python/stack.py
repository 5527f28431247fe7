"""The programs under test: the authorization server and the login app, on free ports."""

import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import requests
from joserfc.jwk import ECKey

ROOT = pathlib.Path(__file__).resolve().parents[3]
UI_TOKEN = "placet-development-ui-token-0123456789"
HEADLESS_TOKEN = "headless-app-of-the-python-tests-0123456789"
ADMIN_TOKEN = "admin-of-the-python-tests-0123456789-0123456789"
DIRECT_SECRET = "direct-client-of-the-python-tests-0123456789"
REDIRECT_URI = "https://client.example/callback"
# A resource whose tokens are encrypted, its key, and the secret of its server as the client `vault`.
RESOURCE = "https://vault.example"
RESOURCE_KEY = ECKey.generate_key("P-256", {"kid": "vault", "use": "enc"}, auto_kid=False)
RESOURCE_SECRET = "resource-server-of-the-python-tests-0123456789"
# Who vouches for the instances of the client `wallet`.
ATTESTER_KEY = ECKey.generate_key("P-256", {"kid": "attester"}, auto_kid=False)

CONFIG = """
issuer = "{issuer}"
listen = "127.0.0.1:{public}"
private_listen = "127.0.0.1:{private}"
data_dir = "{folder}/data"

[limits]
enabled = false

[[ui]]
name = "login"
login_uri = "http://localhost:{login}/"
token_sha256 = ["{ui_token}"]
capabilities = ["set_tokens", "sessions", "authorizations", "report"]

[[ui]]
name = "headless"
front_door = "headless"
token_sha256 = ["{headless_token}"]
capabilities = [
  "set_tokens", "widen_scope", "allow_impersonation", "sessions", "authorizations", "direct_grant", "report",
]
direct_grant_clients = ["direct"]

[[clients]]
client_id = "direct"
secret = "{direct_secret}"

[clients.metadata]
client_name = "Direct"
redirect_uris = ["{redirect_uri}"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
scope = "openid profile email offline_access"

[[clients]]
client_id = "vault"
secret = "{resource_secret}"

[clients.metadata]
grant_types = ["client_credentials"]

[clients.settings]
resources = ["{resource}"]

[[resource]]
uri = "{resource}"

[resource.encryption]
alg = "ECDH-ES+A128KW"
enc = "A256CBC-HS512"
jwk = {{ {resource_jwk} }}

[client_attestation]
enabled = true
require_challenge = true

[[client_attestation.attesters]]
name = "backend"
client_ids = ["wallet"]
jwks = {{ keys = [{{ {attester_jwk} }}] }}

[[clients]]
client_id = "wallet"

[clients.metadata]
redirect_uris = ["{redirect_uri}"]
grant_types = ["authorization_code", "refresh_token"]
token_endpoint_auth_method = "attest_jwt_client_auth"
scope = "openid email offline_access"

[[admin]]
name = "root"
token_sha256 = ["{admin_token}"]
roles = ["read", "clients", "revoke", "policies", "keys", "events"]

[decision_log]
questions = true

[[policy]]
name = "house"
types = ["grant.client_credentials"]
backend = "rules"

[policy.rules]
access_token_lifetime = 300

# Nobody listens there, so that deliveries wait.
[[event_receiver]]
name = "nobody"
url = "http://127.0.0.1:9/"
types = ["client.registered"]
auth.sign.secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""


def free_ports(count):
    """Ports that nobody listens on; all are held until all are found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for held in sockets:
        held.bind(("127.0.0.1", 0))
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def inline_table(key):
    """A public key as the members of an inline table."""
    return ", ".join(f'{name} = "{value}"' for name, value in key.as_dict(private=False).items())


class Stack:
    """Both programs, in a folder of their own that goes away with them."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="placet-python-")
        self.folder = pathlib.Path(self._folder.name)
        public, private, login = free_ports(3)
        self.issuer = f"http://localhost:{public}"
        self.api = f"http://127.0.0.1:{private}/ui/v1"
        self.admin = f"http://127.0.0.1:{private}/admin/v1"
        self.login = f"http://localhost:{login}/"
        self._ready = [f"http://127.0.0.1:{private}/readyz", f"http://127.0.0.1:{login}/healthz"]
        config = self.folder / "placet.toml"
        config.write_text(
            CONFIG.format(
                issuer=self.issuer,
                public=public,
                private=private,
                login=login,
                folder=self.folder,
                ui_token=sha256(UI_TOKEN),
                headless_token=sha256(HEADLESS_TOKEN),
                admin_token=sha256(ADMIN_TOKEN),
                direct_secret=DIRECT_SECRET,
                redirect_uri=REDIRECT_URI,
                resource=RESOURCE,
                resource_secret=RESOURCE_SECRET,
                resource_jwk=inline_table(RESOURCE_KEY),
                attester_jwk=inline_table(ATTESTER_KEY),
            )
        )
        self._programs = []
        self._start("placet", ["--config", str(config), "dev"], {})
        self._start(
            "placet-login",
            ["serve", "--dev"],
            {
                "PLACET_LOGIN_LISTEN": f"127.0.0.1:{login}",
                "PLACET_LOGIN_PUBLIC_URL": self.login,
                "PLACET_LOGIN_API": self.api,
                "PLACET_LOGIN_USERS": str(self.folder / "users.toml"),
                "PLACET_UI_TOKEN": UI_TOKEN,
            },
        )

    def _start(self, name, arguments, settings):
        folder = pathlib.Path(os.environ.get("PLACET_BIN_DIR", ROOT / "target" / "debug"))
        program = folder / name
        if not program.exists():
            raise RuntimeError(f"{program} is missing: build it, or set PLACET_BIN_DIR")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PLACET_")}
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(
            [program, *arguments],
            env={**inherited, **settings},
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        self._programs.append((name, process))

    def log(self, name):
        """What a program said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait(self, seconds=60):
        """Waits until both answer."""
        deadline = time.monotonic() + seconds
        for url in self._ready:
            while True:
                for name, process in self._programs:
                    if process.poll() is not None:
                        raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.log(name)}")
                try:
                    if requests.get(url, timeout=2).ok:
                        break
                except requests.RequestException:
                    pass
                if time.monotonic() > deadline:
                    logs = "\n".join(self.log(name) for name, _ in self._programs)
                    raise RuntimeError(f"{url} does not answer:\n{logs}")
                time.sleep(0.05)

    def stop(self):
        """Stops both and removes the folder."""
        for _, process in self._programs:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for _, process in self._programs:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()
