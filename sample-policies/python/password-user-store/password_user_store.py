"""Answers `grant.password` from a file of users."""

import argparse
import getpass
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone

from user_store import ROUNDS, Store

from placet import Answer, App, Request, deny, instant

#: What the server is told of how a user authenticated, by the methods used.
ACR = {("pwd",): "urn:placet:acr:pwd", ("pwd", "otp"): "urn:placet:acr:mfa"}
#: Longer names and passwords are nobody's; to digest them would cost time.
LONGEST = 1024


def policy(store: Store, clock: Callable[[], float] = time.time) -> App:
    """The policy for these users. `clock` gives seconds since the epoch."""
    # A digest takes a processor and 32 MiB for a while.
    app = App("password-user-store", "1", threads=os.cpu_count() or 1)

    @app.on("grant.password", needs=[], returns=["/grant/sub", "/grant/authentication"])
    def password(x: Request) -> Answer:
        # One answer for every way to be wrong, so that nobody learns which names exist or what was right.
        wrong = deny("invalid_grant", "user name or password is wrong")
        if not x.limits.settable("sub"):
            return deny("unauthorized_client").reason("sub_not_settable")
        given = x.section
        name, secret, otp = given["username"], given["password"], given.get("otp")
        if max(len(name), len(secret)) > LONGEST:
            return wrong.reason("too_long")
        now = clock()
        user = store.authenticate(name, secret, otp, now, spend=x.enforced)
        if user is None:
            return wrong.reason("wrong")
        answer = x.allow(sub=user.sub).reason("authenticated").tag("amr", "+".join(user.amr))
        if not x.limits.settable("authentication"):
            return answer
        return answer.set(
            grant={
                "authentication": {
                    "authenticated_at": instant.write(datetime.fromtimestamp(now, timezone.utc)),
                    "acr": ACR[user.amr],
                    "amr": list(user.amr),
                }
            }
        )

    return app


def main(arguments: list[str] | None = None) -> None:
    """`add` adds a user; without it the policy is served."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command")
    add = commands.add_parser("add", help="add a user; the password is asked for, or read from standard input")
    add.add_argument("username")
    add.add_argument("--sub", help="the subject of the user's tokens; the name unless it is given")
    add.add_argument("--otp", action="store_true", help="ask for one-time passwords too, and print their secret")
    chosen = parser.parse_args(arguments)
    store = Store(os.environ.get("PLACET_USERS", "users.db"), int(os.environ.get("PLACET_USERS_ROUNDS", ROUNDS)))
    if chosen.command is None:
        policy(store).run()
        return
    secret = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not secret:
        parser.error("the password is empty")
    otp = store.add(chosen.username, secret, chosen.sub, chosen.otp)
    if otp is not None:
        print(f"otpauth://totp/Placet:{chosen.username}?secret={otp}&issuer=Placet")


if __name__ == "__main__":
    main()
