"""Users in a file of SQLite: names, scrypt digests of passwords, and secrets of one-time passwords."""

import base64
import binascii
import hashlib
import hmac
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

#: The cost of a digest: 2**15 rounds over 32 MiB, some tenths of a second.
ROUNDS, BLOCK = 2**15, 8
#: One-time passwords (RFC 6238) change so often, in seconds, have so many digits, and may be so many steps off.
STEP, DIGITS, DRIFT = 30, 6, 1

_COST = "CREATE TABLE IF NOT EXISTS cost (rounds INTEGER NOT NULL)"
_USERS = """
CREATE TABLE IF NOT EXISTS users (
  username TEXT PRIMARY KEY,
  sub TEXT NOT NULL UNIQUE,
  salt BLOB NOT NULL,
  digest BLOB NOT NULL,
  otp_secret BLOB,
  otp_step INTEGER NOT NULL DEFAULT 0
)
"""


@dataclass(frozen=True)
class User:
    """Somebody who proved to be it."""

    sub: str
    #: How (RFC 8176): `pwd`, and `otp` with it.
    amr: tuple[str, ...]


class Store:
    """The users. Every call has a connection of its own, so that threads do not meet."""

    def __init__(self, path: Path | str, rounds: int = ROUNDS) -> None:
        """Opens the file, or makes one whose digests cost so many rounds, a power of two. All digests of a file cost
        the same, or else time would tell whose is which.
        """
        self._path = str(path)
        # What the password of somebody unknown is compared with: no password has this digest.
        self._nobody = (secrets.token_bytes(16), bytes(32))
        Path(path).touch(mode=0o600)
        with closing(self._open()) as connection, connection:
            connection.execute(_COST)
            connection.execute(_USERS)
            connection.execute("INSERT INTO cost SELECT ? WHERE NOT EXISTS (SELECT 1 FROM cost)", (rounds,))
            self._rounds = int(connection.execute("SELECT rounds FROM cost").fetchone()[0])

    def add(self, username: str, password: str, sub: str | None = None, otp: bool = False) -> str | None:
        """Adds a user, and returns the secret of the one-time passwords in base32 if there are to be some. The subject
        is the name unless it is given. Raises sqlite3.IntegrityError if name or subject are taken.
        """
        salt = secrets.token_bytes(16)
        secret = secrets.token_bytes(20) if otp else None
        with closing(self._open()) as connection, connection:
            connection.execute(
                "INSERT INTO users (username, sub, salt, digest, otp_secret) VALUES (?, ?, ?, ?, ?)",
                (username, username if sub is None else sub, salt, self._digest(password, salt), secret),
            )
        return None if secret is None else base64.b32encode(secret).decode()

    def authenticate(self, username: str, password: str, otp: str | None, now: float, spend: bool) -> User | None:
        """The user, if name, password and one-time password are right. To find out takes as long for a name that
        nobody has. A one-time password works once: `spend` makes it void.
        """
        with closing(self._open()) as connection, connection:
            row = connection.execute(
                "SELECT sub, salt, digest, otp_secret FROM users WHERE username = ?", (username,)
            ).fetchone()
            sub, salt, digest, secret = (None, *self._nobody, None) if row is None else row
            right = hmac.compare_digest(self._digest(password, salt), digest)
            # Looked for even where there is no secret, for the same time.
            step = matching_step(bytes(20) if secret is None else secret, otp or "", now)
            if sub is None or not right:
                return None
            if secret is None:
                return User(sub, ("pwd",))
            if step is None:
                return None
            # One statement looks and marks: of two requests with the same one-time password, one finds nothing.
            fresh = connection.execute(
                "UPDATE users SET otp_step = ? WHERE username = ? AND otp_step < ?"
                if spend
                else "SELECT ? FROM users WHERE username = ? AND otp_step < ?",
                (step, username, step),
            )
            found = fresh.rowcount == 1 if spend else fresh.fetchone() is not None
            return User(sub, ("pwd", "otp")) if found else None

    def _digest(self, password: str, salt: bytes) -> bytes:
        memory = 128 * self._rounds * BLOCK * 2
        return hashlib.scrypt(password.encode(), salt=salt, n=self._rounds, r=BLOCK, p=1, maxmem=memory, dklen=32)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=2)


def one_time_password(secret: bytes, step: int) -> str:
    """The one-time password of a step (RFC 4226 section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, otp: str, now: float) -> int | None:
    """The step whose one-time password this is, if it is near."""
    current = int(now // STEP)
    found = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(one_time_password(secret, step).encode(), otp.encode()):
            found = step
    return found


def otp_secret(text: str) -> bytes:
    """What `add` returned, as bytes. Raises ValueError for anything else."""
    try:
        return base64.b32decode(text)
    except binascii.Error:
        raise ValueError("a secret of one-time passwords is base32") from None
