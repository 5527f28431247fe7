"""The policy that the requests in `JWT bearer`, `Token exchange`, `Native SSO` and `Asking a user elsewhere` are about."""

from placet import Answer, App, Request, deny

#: Which local user each subject of the partner is.
PARTNER = "https://idp.partner.example"
USERS = {"carol@partner.example": "carol"}

app = App("postman", "1")


@app.on("grant.jwt_bearer")
def local_user(x: Request) -> Answer:
    """Says whom of this server an assertion means."""
    if x.section["trust"] == "self":
        return x.allow().reason("self_issued")
    if x.section["issuer"]["id"] != PARTNER:
        return deny("invalid_grant").reason("unknown_issuer")
    sub = USERS.get(x.section["assertion"]["claims"]["sub"])
    if sub is None:
        return deny("invalid_grant", "nobody here is meant").reason("unknown_subject")
    return x.allow(sub=sub).reason("mapped")


@app.on("grant.token_exchange")
def delegation(x: Request) -> Answer:
    """Lets an actor act for the user of the token, for a minute, and nobody be the user but applications of one device."""
    wanted = x.get("/request/parameters/requested_subject")
    if wanted:
        # This policy would; the server lets no policy do so whose registration does not say `allow_impersonation`.
        return x.allow(sub=wanted[0]).reason("impersonation")
    if "ds_hash" in x.section["subject_token"]["claims"]:
        # The server has seen that the device secret fits, and that these applications may share a sign-in.
        return x.allow().reason("native_sso")
    if x.actor is None:
        return deny("access_denied", "an actor token is needed").reason("no_actor")
    return x.allow(access_token={"lifetime": 60}).reason("delegation").tag("actor", x.actor["sub"])


@app.on("ciba.request")
def who_is_meant(x: Request) -> Answer:
    """Says whom a client means."""
    if x.section["hint"].get("value") != "alice":
        return deny("unknown_user_id", "no user is meant by this hint").reason("unknown")
    return x.allow().set(ciba={"sub": "alice"}).reason("found")


if __name__ == "__main__":
    app.run()
