"""The JSON of the decision API as types.

Written by `generate` from the schemas in sdk/schemas/1; never edit it by hand.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from ._typing import NotRequired, TypedDict



class Actor(TypedDict):
    """
    A link of the actor chain (RFC 8693 section 4.1).
    """

    act: NotRequired[Actor]
    """
    The actor before this one.
    """
    client_id: NotRequired[str]
    """
    The client that acts.
    """
    iss: NotRequired[str]
    """
    Issuer of that subject, where it is not this server.
    """
    sub: str
    """
    Subject of the actor.
    """


Binding: TypeAlias = Literal["none", "dpop", "mtls"]
"""
What tokens are bound to.
"""


class ChainPosition(TypedDict):
    """
    Where a registration stands among those of its type.
    """

    of: int
    """
    How many there are.
    """
    policy: str
    """
    Name of the registration.
    """
    position: int
    """
    Its place, from 1.
    """


class CibaProposal(TypedDict):
    """
    The backchannel authentication.
    """

    channel: NotRequired[dict[str, Any]]
    """
    For the login app: how the user is reached.
    """
    expires_in: int
    """
    How long the request lives, in seconds.
    """
    interval: int
    """
    How often it may be polled, in seconds.
    """
    sub: NotRequired[str]
    """
    The user behind the hint.
    """


class ClaimsLimits(TypedDict):
    """
    Of claims.
    """

    claim_sources: bool
    """
    Whether aggregated and distributed claims may be named (OpenID Connect Core section 5.6.2).
    """
    max_bytes: int
    """
    All of them together, in bytes of JSON.
    """
    names: list[str]
    """
    Names that may be set.
    """


ClientAuth = TypedDict(
    "ClientAuth",
    {
        "kid": NotRequired[str],
        "method": str,
        "verified": bool,
        "x5t#S256": NotRequired[str],
    },
)


class ClientCredentialsSection(TypedDict):
    """
    Of `grant.client_credentials`: nothing.
    """


class ClientLimits(TypedDict):
    """
    Of a registration.
    """

    grant_types: list[str]
    """
    Grant types it may have.
    """
    members: list[str]
    """
    Metadata members that may be set; the result is checked like a registration.
    """
    scope: NotRequired[list[str]]
    """
    Scope values it may have; absent means any.
    """


class ConsentLimits(TypedDict):
    """
    Of whether the user is asked.
    """

    ask: bool
    """
    Whether `ask` may be switched on. It can never be switched off.
    """


class ConsentProposal(TypedDict):
    """
    Whether the user is asked.
    """

    ask: bool
    """
    The user will be asked for consent.
    """


class DeciderClient(TypedDict):
    """
    A client as a policy sees it.
    """

    auth: NotRequired[ClientAuth]
    """
    How it authenticated with this request.
    """
    client_id: str
    """
    Its id.
    """
    data: NotRequired[dict[str, Any]]
    """
    The operator's own metadata: tier, owner.
    """
    first_party: bool
    """
    It belongs to the operator.
    """
    grant_types: NotRequired[list[str]]
    """
    Grant types it registered.
    """
    metadata: NotRequired[dict[str, Any]]
    """
    Registered metadata that the registration of the policy asks for by name.
    """
    name: NotRequired[str]
    """
    Its name.
    """
    scope: NotRequired[list[str]]
    """
    Scope values it registered.
    """
    software_id: NotRequired[str]
    """
    Its software.
    """
    type: NotRequired[str]
    """
    `public` or `confidential`.
    """


class DemandLimits(TypedDict):
    """
    Of what is demanded of a user.
    """

    acr_values: list[str]
    """
    Classes that may be demanded; empty means any.
    """
    max_age: NotRequired[int]
    """
    The longest `max_age`: that of the request; absent means any.
    """
    uis: list[str]
    """
    Login apps that the user may be sent to.
    """


class DemandProposal(TypedDict):
    """
    What is demanded of the user.
    """

    acr_essential: bool
    """
    Whether one of them must be reached.
    """
    acr_values: list[str]
    """
    Acceptable authentication context classes, best first.
    """
    force_auth: bool
    """
    A session does not count: the user has to authenticate now.
    """
    max_age: NotRequired[int]
    """
    At most so many seconds since the authentication.
    """
    ui: NotRequired[str]
    """
    The login app that asks.
    """


class DeviceLimits(TypedDict):
    """
    Of a device request.
    """

    max_expires_in: int
    """
    The longest life, in seconds.
    """
    min_interval: int
    """
    The shortest interval, in seconds.
    """


class DeviceProposal(TypedDict):
    """
    The device request.
    """

    expires_in: int
    """
    How long its codes live, in seconds.
    """
    interval: int
    """
    How often it may poll, in seconds.
    """


class DeviceSection(TypedDict):
    """
    Of `device.request`.
    """

    expires_in: int
    """
    How long its codes live, in seconds.
    """
    interval: int
    """
    How often it may poll, in seconds.
    """


class DpopFacts(TypedDict):
    """
    A verified DPoP proof.
    """

    alg: str
    """
    Algorithm of the proof.
    """
    jkt: str
    """
    Thumbprint of the key.
    """
    verified: bool
    """
    Always true.
    """


Encoding: TypeAlias = Literal["jwt", "opaque"]
"""
How an access token is encoded.
"""


Freedom: TypeAlias = Literal["forbidden", "fixed", "settable"]
"""
Whether a member may be set.
"""


class GrantedClaims(TypedDict):
    """
    Claim names per target; language tags are allowed (`name#fr`).
    """

    access_token: NotRequired[list[str]]
    """
    For the access token.
    """
    id_token: NotRequired[list[str]]
    """
    For the ID token.
    """
    userinfo: NotRequired[list[str]]
    """
    For `UserInfo`.
    """


class HintFacts(TypedDict):
    """
    Whom a client means.
    """

    claims: NotRequired[dict[str, Any]]
    """
    The verified claims of a token.
    """
    kind: str
    """
    `login_hint`, `login_hint_token` or `id_token_hint`.
    """
    value: NotRequired[str]
    """
    The hint as it is, if it is not a token.
    """


HookType: TypeAlias = Literal["authorization.request", "interaction.evaluate", "interaction.approve", "device.request", "ciba.request", "grant.authorization_code", "grant.device_code", "grant.ciba", "grant.refresh_token", "grant.password", "grant.client_credentials", "grant.jwt_bearer", "assertion.saml2", "grant.saml2_bearer", "grant.token_exchange", "client.register", "client.update", "client.delete", "claims.source", "token.introspect", "logout.evaluate"]
"""
A decision point: when the server asks, and so what a request is about.
"""


class IdTokenLimits(TypedDict):
    """
    Of an ID token.
    """

    allowed: bool
    """
    Whether there may be one.
    """
    audiences: list[str]
    """
    Audiences it may have besides the client.
    """
    max_claims_bytes: int
    """
    The longest `claims`, in bytes of JSON.
    """
    max_lifetime: int
    """
    The longest `lifetime`, in seconds.
    """
    reissue_on_refresh: bool
    """
    Whether it may be issued again with each refresh.
    """


class IdTokenSettings(TypedDict):
    """
    Settings of an ID token.
    """

    audience: NotRequired[list[str]]
    """
    Audiences besides the client.
    """
    claims: NotRequired[dict[str, Any]]
    """
    Preset values, kept for refreshed ID tokens.
    """
    issue: NotRequired[bool]
    """
    Whether one is issued.
    """
    lifetime: NotRequired[int]
    """
    Lifetime in seconds.
    """
    reissue_on_refresh: NotRequired[bool]
    """
    A new ID token with each refresh while the session lives.
    """


Instant: TypeAlias = str
"""
An RFC 3339 instant in UTC, ending in `Z`
"""


InteractionStage: TypeAlias = Literal["evaluate", "approve"]
"""
Where an interaction stands.
"""


class IntrospectionCaller(TypedDict):
    """
    Who introspects.
    """

    client_id: str
    """
    The client.
    """
    in_audience: bool
    """
    Whether it is in the audience of the token.
    """


class IntrospectionLimits(TypedDict):
    """
    Of an introspection response.
    """

    max_bytes: int
    """
    The whole response, in bytes of JSON.
    """
    reserved: list[str]
    """
    Members that stay as they are. `username` and all claims that the server alone writes can only be taken away.
    """
    scope: list[str]
    """
    Scope values it may show.
    """


class IntrospectionToken(TypedDict):
    """
    The token that is introspected.
    """

    authorization_id: NotRequired[str]
    """
    Its stored authorization.
    """
    claims: dict[str, Any]
    """
    Its claims.
    """
    data: NotRequired[dict[str, Any]]
    """
    `data` of the grant.
    """
    kind: str
    """
    `access_token` or `refresh_token`.
    """


class JwtAssertion(TypedDict):
    """
    A verified JWT.
    """

    claims: dict[str, Any]
    """
    Its claims.
    """
    header: dict[str, Any]
    """
    `alg`, `kid`, `typ`.
    """


class JwtIssuer(TypedDict):
    """
    The issuer of an assertion.
    """

    id: str
    """
    Its `iss`.
    """
    jwks_source: str
    """
    `inline` or `uri`.
    """


class JwtVerified(TypedDict):
    """
    What was verified of a JWT.
    """

    audience: bool
    """
    That it is meant for this server.
    """
    replay_checked: bool
    """
    That its id was not used before. It is remembered when the tokens are issued.
    """
    signature: bool
    """
    Its signature.
    """


class LogoutClient(TypedDict):
    """
    A client in a session.
    """

    backchannel: bool
    """
    It is told directly.
    """
    client_id: str
    """
    Its id.
    """
    frontchannel: bool
    """
    It is told through the browser.
    """


class LogoutHint(TypedDict):
    """
    A hint of a logout request.
    """

    claims: NotRequired[dict[str, Any]]
    """
    Its claims.
    """
    verified: bool
    """
    It is a genuine ID token of this browser's session.
    """


class LogoutLimits(TypedDict):
    """
    Of a logout.
    """

    skip_confirm: bool
    """
    Whether `confirm` may be switched off: a valid hint of the user's own session came along.
    """


class LogoutProposal(TypedDict):
    """
    The logout.
    """

    confirm: bool
    """
    The user has to confirm.
    """


class LogoutSection(TypedDict):
    """
    Of `logout.evaluate`.
    """

    clients: list[LogoutClient]
    """
    Clients that were used in the session.
    """
    hint: NotRequired[LogoutHint]
    """
    The hint that came along.
    """
    initiator: str
    """
    `rp` or `op`.
    """
    parameters: NotRequired[dict[str, list[str]]]
    """
    Non-standard parameters that the operator lets policies see.
    """


Mode: TypeAlias = Literal["enforce", "shadow", "test"]
"""
Whether an answer counts.
"""


MtlsFacts = TypedDict(
    "MtlsFacts",
    {
        "subject_dn": NotRequired[str],
        "verified": bool,
        "x5t#S256": str,
    },
)


class NameId(TypedDict):
    """
    The subject of a SAML assertion.
    """

    format: NotRequired[str]
    """
    Its format.
    """
    name_qualifier: NotRequired[str]
    """
    `NameQualifier`.
    """
    sp_name_qualifier: NotRequired[str]
    """
    `SPNameQualifier`.
    """
    value: str
    """
    Its text.
    """


class ObjectLimits(TypedDict):
    """
    Of an object whose members the server does not know.
    """

    max_bytes: int
    """
    Of the whole object, in bytes of JSON.
    """
    reserved: list[str]
    """
    Members that cannot be set.
    """


class OriginalGrant(TypedDict):
    """
    What was granted in the beginning.
    """

    resources: list[str]
    """
    Resources.
    """
    scope: list[str]
    """
    Scope values.
    """


PartySource: TypeAlias = Literal["session", "subject_token", "actor_token", "assertion", "authorization", "login_hint", "client"]
"""
From where the server knows of somebody.
"""


PartyType: TypeAlias = Literal["user", "client", "workload", "external"]
"""
What somebody is.
"""


class PasswordSection(TypedDict):
    """
    Of `grant.password`.
    """

    otp: NotRequired[str]
    """
    A second factor, if the request carried one.
    """
    password: str
    """
    The password.
    """
    username: str
    """
    The user name.
    """


class ProofOfPossession(TypedDict):
    """
    Proof of possession that the server has verified.
    """

    binding: Binding
    """
    What the tokens are bound to.
    """
    dpop: NotRequired[DpopFacts]
    """
    DPoP (RFC 9449).
    """
    mtls: NotRequired[MtlsFacts]
    """
    Mutual TLS (RFC 8705).
    """


class RawAssertionSection(TypedDict):
    """
    Of `assertion.saml2`.
    """

    audience: list[str]
    """
    One of these must be in every audience restriction.
    """
    clock_skew: int
    """
    Clocks may differ by so many seconds.
    """
    format: str
    """
    `saml2`.
    """
    recipient: str
    """
    The token endpoint: what the recipient of the confirmation must be.
    """
    value: str
    """
    The assertion as it came, base64url.
    """


class RefreshTokenSection(TypedDict):
    """
    Of `grant.refresh_token`.
    """

    count: int
    """
    How often it was rotated.
    """
    data: NotRequired[dict[str, Any]]
    """
    `data` of the grant.
    """
    first_issued_at: Instant
    """
    When the family began.
    """
    last_used_at: Instant
    """
    When it was last used.
    """
    original: OriginalGrant
    """
    What was granted in the beginning.
    """
    rotation: bool
    """
    Whether this use gives a new token.
    """
    session_active: bool
    """
    Whether the session of the authorization lives.
    """


class RegistrationAuth(TypedDict):
    """
    How a registration is entitled.
    """

    claims: NotRequired[dict[str, Any]]
    """
    What the token says.
    """
    kind: str
    """
    `open`, `initial_access_token`, `software_statement` or `registration_access_token`.
    """


class Remote(TypedDict):
    """
    Where a request came from.
    """

    ip: str
    """
    The address.
    """


class RequestFacts(TypedDict):
    """
    The HTTP request that led to a decision.
    """

    endpoint: str
    """
    `authorize`, `token`, `par`, `device`, `ciba`, `userinfo`, `introspect`, `register`, `ui` or `logout`.
    """
    headers: NotRequired[dict[str, str]]
    """
    Headers that the operator lets policies see.
    """
    parameters: NotRequired[dict[str, list[str]]]
    """
    Non-standard parameters that the operator lets policies see.
    """
    received_at: NotRequired[Instant]
    """
    When it came in.
    """
    remote: NotRequired[Remote]
    """
    Where it came from; left out for decisions that may be remembered, unless the policy needs it.
    """
    user_agent: NotRequired[str]
    """
    With what; left out likewise.
    """


class RequestInfo(TypedDict):
    """
    The validated request; `state` and `nonce` are not shown.
    """

    authorization_details: list[dict[str, Any]]
    """
    Requested authorization details.
    """
    dpop_jkt: NotRequired[str]
    """
    Thumbprint of the announced `DPoP` key.
    """
    max_age: NotRequired[int]
    """
    `max_age`, in seconds.
    """
    parameters: dict[str, list[str]]
    """
    Non-standard parameters that the configuration lets through.
    """
    pkce: NotRequired[str]
    """
    PKCE method, where PKCE is used.
    """
    prompt: list[str]
    """
    `prompt` values.
    """
    pushed: bool
    """
    Whether it came through the pushed authorization request endpoint.
    """
    redirect_uri: NotRequired[str]
    """
    Where the browser goes in the end.
    """
    resources: list[str]
    """
    Requested resource indicators.
    """
    response_mode: NotRequired[str]
    """
    `response_mode` in effect.
    """
    response_type: NotRequired[str]
    """
    `response_type`.
    """
    scope: list[str]
    """
    Requested scope values.
    """
    signed: bool
    """
    Whether it was a signed request object.
    """


class Requested(TypedDict):
    """
    What was asked for. Absent: the request did not say.
    """

    audience: NotRequired[list[str]]
    """
    `audience` of a token exchange.
    """
    authorization_details: NotRequired[list[dict[str, Any]]]
    """
    Authorization details (RFC 9396).
    """
    requested_token_type: NotRequired[str]
    """
    Of a token exchange.
    """
    resources: NotRequired[list[str]]
    """
    Resource indicators (RFC 8707).
    """
    scope: NotRequired[list[str]]
    """
    Scope values.
    """


class RequestedClaim(TypedDict):
    """
    A claim that is asked for.
    """

    details: NotRequired[Any]
    """
    What is asked of `verified_claims` (OpenID Connect for Identity Assurance), as it is.
    """
    essential: bool
    """
    Whether the client cannot do without.
    """
    name: str
    """
    Its name, with a language tag if one was asked for.
    """
    value: NotRequired[Any]
    """
    The value it should have.
    """
    values: NotRequired[list[Any]]
    """
    The values it may have.
    """


class RequestedConsent(TypedDict):
    """
    What a user consented to.
    """

    explicit: bool
    """
    The user was asked in this interaction.
    """
    scope: list[str]
    """
    Scope values.
    """


Rotation: TypeAlias = Literal["never", "always", "auto"]
"""
When a refresh token is replaced by its successor.
"""


class Saml2Attribute(TypedDict):
    """
    An attribute of a SAML assertion.
    """

    friendly_name: NotRequired[str]
    """
    For people.
    """
    name: str
    """
    Its name.
    """
    name_format: NotRequired[str]
    """
    The format of its name.
    """
    values: list[str]
    """
    Its values, as text.
    """


class Saml2Conditions(TypedDict):
    """
    `Conditions` of a SAML assertion.
    """

    audiences: list[str]
    """
    The audiences that all restrictions have in common.
    """
    not_before: NotRequired[Instant]
    """
    Not before.
    """
    not_on_or_after: NotRequired[Instant]
    """
    Not on or after.
    """
    one_time_use: bool
    """
    `OneTimeUse`.
    """


class Saml2Verified(TypedDict):
    """
    What was verified of a SAML assertion.
    """

    alg: str
    """
    The signature algorithm.
    """
    encrypted: bool
    """
    Whether it came encrypted.
    """
    replay_checked: bool
    """
    That it was not used before; only the server knows, and sets it.
    """
    signature: bool
    """
    Its signature.
    """
    signed: str
    """
    `assertion`.
    """


SenderConstraint: TypeAlias = Literal["none", "if_presented", "required"]
"""
Whether a token is bound to a key of its holder.
"""


class SessionFacts(TypedDict):
    """
    A session of a user.
    """

    acr: NotRequired[str]
    """
    Authentication context class reference.
    """
    amr: NotRequired[list[str]]
    """
    Authentication methods.
    """
    authenticated_at: NotRequired[Instant]
    """
    When the user last authenticated.
    """
    created_at: NotRequired[Instant]
    """
    When it began.
    """
    data: NotRequired[dict[str, Any]]
    """
    Data of the login app.
    """
    id: NotRequired[str]
    """
    Its id; left out for decisions that may be remembered, unless the policy needs it.
    """
    sub: str
    """
    The user.
    """


class SessionLimits(TypedDict):
    """
    Of a session.
    """

    auth_life: int
    """
    The longest `auth_life`, in seconds.
    """
    max_idle: int
    """
    The longest `max_idle`, in seconds.
    """
    max_life: int
    """
    The longest `max_life`, in seconds.
    """


class SessionProposal(TypedDict):
    """
    The session that the sign-in makes or renews.
    """

    auth_life: NotRequired[int]
    """
    How long the authentication satisfies ordinary requests, in seconds.
    """
    max_idle: NotRequired[int]
    """
    Limit without use, in seconds.
    """
    max_life: NotRequired[int]
    """
    Absolute limit, in seconds.
    """


class SoftwareStatement(TypedDict):
    """
    A software statement.
    """

    claims: dict[str, Any]
    """
    Its claims.
    """
    verified: bool
    """
    Whether it was verified.
    """


SubType: TypeAlias = Literal["public", "pairwise"]
"""
Which subject identifier a token shows.
"""


class SubjectConfirmation(TypedDict):
    """
    A bearer confirmation.
    """

    method: str
    """
    The method.
    """
    not_on_or_after: NotRequired[Instant]
    """
    Not on or after.
    """
    recipient: NotRequired[str]
    """
    The recipient.
    """


class TokenFacts(TypedDict):
    """
    A verified token.
    """

    act: NotRequired[Actor]
    """
    The actors behind it, newest first.
    """
    authorization_id: NotRequired[str]
    """
    Its stored authorization.
    """
    claims: dict[str, Any]
    """
    Its claims.
    """
    cnf: NotRequired[dict[str, Any]]
    """
    Its confirmation (RFC 7800).
    """
    origin: str
    """
    `local` or `trusted_issuer`.
    """
    type: str
    """
    Its type (RFC 8693 section 3).
    """


Tokens: TypeAlias = Literal["stored", "stateless"]
"""
Where what is known of a token lies.
"""


Trust: TypeAlias = Literal["self", "third_party"]
"""
Who vouches for an assertion.
"""


class UserinfoSettings(TypedDict):
    """
    Preset values for `UserInfo`.
    """

    claims: NotRequired[dict[str, Any]]
    """
    Claim values.
    """


class CacheHint(TypedDict):
    """
    How long a decision may be used again. The server's registration has to agree; the shorter time counts.
    """

    max_age: NotRequired[int]
    """
    In seconds.
    """
    stale_if_error: NotRequired[int]
    """
    Seconds after `max_age` during which it still serves while the sidecar fails.
    """


class StepUpChallenge(TypedDict):
    """
    A stronger or fresher authentication.
    """

    acr_values: NotRequired[list[str]]
    """
    Acceptable authentication context classes, best first.
    """
    amr_values: NotRequired[list[str]]
    """
    Authentication methods that must be among those used (RFC 8176).
    """
    kind: Literal["step_up"]
    max_age: NotRequired[int]
    """
    At most so many seconds ago.
    """
    message: NotRequired[str]
    """
    For the page.
    """


class ConsentChallenge(TypedDict):
    """
    The user has to consent, even to what was consented to before.
    """

    kind: Literal["consent"]
    message: NotRequired[str]
    """
    For the page.
    """
    scope: NotRequired[list[str]]
    """
    The scope values it is about; none means all that are requested.
    """


class SelectAccountChallenge(TypedDict):
    """
    The user has to choose an account.
    """

    kind: Literal["select_account"]
    message: NotRequired[str]
    """
    For the page.
    """


class PromptChallenge(TypedDict):
    """
    A page of the login app that only it and this policy know; its result comes back in `interaction.results`.
    """

    kind: Literal["prompt"]
    message: NotRequired[str]
    """
    For the page.
    """
    name: str
    """
    The page.
    """
    params: NotRequired[dict[str, Any]]
    """
    What it shows.
    """


Challenge: TypeAlias = StepUpChallenge | ConsentChallenge | SelectAccountChallenge | PromptChallenge
"""
What is needed before the answer can be allow.
"""


class DecidedBy(TypedDict):
    """
    Which policy decided.
    """

    name: str
    """
    Its name.
    """
    version: str
    """
    Its version; a new one makes the server forget the decisions of the old one.
    """


class PolicyError(TypedDict):
    """
    What a client is told when a policy denies.
    """

    code: str
    """
    An error code that the type allows.
    """
    description: NotRequired[str]
    """
    For the client's developer; printable ASCII without `"` and `\\` (RFC 6749 section 5.2).
    """
    uri: NotRequired[str]
    """
    A page about the error.
    """


class Reason(TypedDict):
    """
    Why a policy decided as it did.
    """

    code: str
    """
    A short stable word.
    """
    detail: NotRequired[str]
    """
    A sentence.
    """


Verdict: TypeAlias = Literal["allow", "deny", "challenge"]
"""
Allow, deny or challenge.
"""


class Decision(TypedDict):
    """
    The answer to a decision request. Only status 200 with this body is an answer; everything else is a failure.
    """

    cache: NotRequired[CacheHint]
    """
    How long the decision may be used again; absent means not at all.
    """
    challenge: NotRequired[Challenge]
    """
    With challenge: what is needed first.
    """
    decision: Verdict
    """
    Allow, deny or challenge.
    """
    error: NotRequired[PolicyError]
    """
    With deny: what the client is told.
    """
    id: str
    """
    The id of the request, repeated.
    """
    policy: NotRequired[DecidedBy]
    """
    What decided.
    """
    reason: NotRequired[Reason]
    """
    Why; for the decision log alone, never for clients.
    """
    set: NotRequired[dict[str, Any]]
    """
    With allow only: a JSON Merge Patch (RFC 7396) over `proposal`. Which sections it may hold depends on the type;
    an unknown member is a failure, members starting with `x-` are ignored.
    """
    tags: NotRequired[dict[str, str]]
    """
    Labels for log and metrics, at most 16.
    """


class PolicyAuth(TypedDict):
    """
    How a sidecar authenticates, and is authenticated.
    """

    request: NotRequired[list[str]]
    """
    What it wants of requests: `signature`, `mtls`, `bearer`.
    """
    signed_response: NotRequired[bool]
    """
    Whether it signs its answers.
    """


class SidecarInfo(TypedDict):
    """
    Who a sidecar is.
    """

    id: str
    """
    Its URL, exactly as the server's operator registered it.
    """
    name: str
    """
    Its name.
    """
    version: str
    """
    Its version.
    """


class SupportedType(TypedDict):
    """
    A decision that a sidecar makes.
    """

    cacheable: NotRequired[bool]
    """
    Whether its decisions may be remembered.
    """
    needs: NotRequired[list[str]]
    """
    JSON Pointers of what it looks at besides the mandatory members; absent means everything.
    """
    returns: NotRequired[list[str]]
    """
    JSON Pointers of what it may set.
    """
    type: str
    """
    The type, as in requests.
    """


class PolicyDocument(TypedDict):
    """
    The discovery document of a sidecar.
    """

    auth: NotRequired[PolicyAuth]
    """
    How it authenticates, and is authenticated.
    """
    decision_endpoint: str
    """
    Where decisions are asked; of the same origin as `sidecar.id`.
    """
    docs: NotRequired[str]
    """
    Its documentation.
    """
    event_endpoint: NotRequired[str]
    """
    Where events are delivered.
    """
    health_endpoint: NotRequired[str]
    """
    `GET` answers 200 while it is well.
    """
    modes: NotRequired[list[Mode]]
    """
    The modes that it knows.
    """
    protocols: list[str]
    """
    Versions of the protocol that it speaks.
    """
    sidecar: SidecarInfo
    """
    Who it is.
    """
    types: list[SupportedType]
    """
    The decisions that it makes.
    """


class AccessTokenLimits(TypedDict):
    """
    Of an access token.
    """

    audiences: list[str]
    """
    Audiences it may have.
    """
    encodings: list[Encoding]
    """
    Encodings it may have.
    """
    encrypt: bool
    """
    Whether it may be encrypted.
    """
    max_claims_bytes: int
    """
    The longest `claims`, in bytes of JSON.
    """
    max_lifetime: int
    """
    The longest `lifetime`, in seconds.
    """
    sender_constraint: NotRequired[SenderConstraint]
    """
    The weakest `sender_constraint`.
    """
    single_use: bool
    """
    Whether `single_use` may be switched on. It can never be switched off.
    """
    sub_types: list[SubType]
    """
    Subject types it may show.
    """


class AccessTokenSettings(TypedDict):
    """
    Settings of an access token.
    """

    audience: NotRequired[list[str]]
    """
    Overrides the audience that follows from `resources`.
    """
    claims: NotRequired[dict[str, Any]]
    """
    Extra claims with values; every reader of the token sees them.
    """
    encoding: NotRequired[Encoding]
    """
    JWT or opaque.
    """
    encrypt: NotRequired[bool]
    """
    Nested JWE to the resource server's key.
    """
    lifetime: NotRequired[int]
    """
    Lifetime in seconds.
    """
    sender_constraint: NotRequired[SenderConstraint]
    """
    Binding to a key.
    """
    single_use: NotRequired[bool]
    """
    Exactly one introspection or `UserInfo` call finds the token active (opaque tokens only).
    """
    sub_type: NotRequired[SubType]
    """
    Public or pairwise subject.
    """


class Authentication(TypedDict):
    """
    Facts about an authentication.
    """

    acr: NotRequired[str]
    """
    Authentication context class reference.
    """
    amr: NotRequired[list[str]]
    """
    Authentication methods (RFC 8176).
    """
    authenticated_at: NotRequired[Instant]
    """
    When it happened.
    """


class AuthnStatement(TypedDict):
    """
    An authentication that a SAML assertion states.
    """

    class_ref: NotRequired[str]
    """
    The class.
    """
    instant: Instant
    """
    When.
    """
    session_index: NotRequired[str]
    """
    `SessionIndex`.
    """


class AuthorizationFacts(TypedDict):
    """
    A stored authorization.
    """

    claims_context: NotRequired[dict[str, Any]]
    """
    `claims_context` of the grant.
    """
    data: NotRequired[dict[str, Any]]
    """
    `data` of the grant.
    """
    granted_at: Instant
    """
    When it was granted.
    """
    id: str
    """
    `az_…`.
    """
    kind: str
    """
    `authorization`, `device`, `ciba`, `direct` …: how it was granted.
    """
    resources: list[str]
    """
    Granted resources.
    """
    scope: list[str]
    """
    Granted scope values.
    """


class AuthorizationRequestSection(TypedDict):
    """
    Of `authorization.request`.
    """

    request: RequestInfo
    """
    The request, as the login app sees it.
    """
    session_present: bool
    """
    Whether this browser has a live session.
    """


class CibaLimits(TypedDict):
    """
    Of a backchannel authentication.
    """

    max_channel_bytes: int
    """
    The longest `channel`, in bytes of JSON.
    """
    max_expires_in: int
    """
    The longest life, in seconds.
    """
    min_interval: int
    """
    The shortest interval, in seconds.
    """
    sub: Freedom
    """
    Of `sub`.
    """


class CibaSection(TypedDict):
    """
    Of `ciba.request`.
    """

    acr_values: NotRequired[list[str]]
    """
    Authentication context classes that the client asks for.
    """
    binding_message: NotRequired[str]
    """
    Shown to the user on both devices.
    """
    delivery: str
    """
    `poll`, `ping` or `push`.
    """
    hint: HintFacts
    """
    Whom the client means.
    """
    request_context: NotRequired[dict[str, Any]]
    """
    `request_context` of FAPI-CIBA.
    """
    requested_expiry: NotRequired[int]
    """
    The life that the client asks for, in seconds.
    """
    user_code: NotRequired[str]
    """
    A secret that only the user knows.
    """


class ClaimsSection(TypedDict):
    """
    Of `claims.source`.
    """

    context: NotRequired[dict[str, Any]]
    """
    `claims_context` of the grant.
    """
    locales: NotRequired[list[str]]
    """
    Languages, best first.
    """
    requested: list[RequestedClaim]
    """
    The claims that this source owns and the client may read.
    """
    target: str
    """
    `id_token`, `userinfo` or `access_token`.
    """


class GrantFacts(TypedDict):
    """
    The grant as it was requested.
    """

    authorization_id: NotRequired[str]
    """
    The stored authorization it belongs to.
    """
    requested: Requested
    """
    What was asked for.
    """
    type: NotRequired[str]
    """
    The grant type, as in `grant_type`.
    """


class InteractionFacts(TypedDict):
    """
    The interaction with a user.
    """

    challenges: int
    """
    How many challenges policies have raised in it.
    """
    ciba: NotRequired[dict[str, Any]]
    """
    Facts of a backchannel authentication.
    """
    consent: NotRequired[RequestedConsent]
    """
    What was consented.
    """
    device: NotRequired[dict[str, Any]]
    """
    Facts of a device.
    """
    front_channel: NotRequired[list[str]]
    """
    Tokens that leave through the browser at once: `id_token`, `token`. This is the last hook for them.
    """
    id: str
    """
    `ia_…`; of a direct grant, the `az_…` that it is about to become.
    """
    kind: str
    """
    `authorization`, `device`, `ciba` or `logout`; `direct` for a grant without a browser, where nobody can be
    challenged.
    """
    results: NotRequired[dict[str, Any]]
    """
    Results of pages that policies asked for, by name.
    """
    stage: InteractionStage
    """
    Before or after consent.
    """


class IntrospectionSection(TypedDict):
    """
    Of `token.introspect`.
    """

    caller: IntrospectionCaller
    """
    Who asks.
    """
    token: IntrospectionToken
    """
    About which token.
    """


class JwtBearerSection(TypedDict):
    """
    Of `grant.jwt_bearer`.
    """

    assertion: JwtAssertion
    """
    The assertion, parsed.
    """
    issuer: JwtIssuer
    """
    The issuer.
    """
    trust: Trust
    """
    Who vouches.
    """
    verified: JwtVerified
    """
    What the server verified.
    """


class Party(TypedDict):
    """
    Somebody whom a decision is about.
    """

    claims: NotRequired[dict[str, Any]]
    """
    Claims that are known of it.
    """
    source: PartySource
    """
    From where the server knows.
    """
    sub: str
    """
    The subject; local, or pairwise if the registration of the policy says so.
    """
    type: PartyType
    """
    A user, a client …
    """


class RefreshTokenLimits(TypedDict):
    """
    Of a refresh token.
    """

    allowed: bool
    """
    Whether there may be one.
    """
    max_grace: int
    """
    The longest `grace`, in seconds.
    """
    max_idle: int
    """
    The longest `max_idle`, in seconds; 0 means there is no such limit.
    """
    max_lifetime: int
    """
    The longest `lifetime`, in seconds.
    """
    rotation: NotRequired[Rotation]
    """
    The rotation, if it may not be weaker: `never` < `auto` < `always`.
    """
    tokens: NotRequired[list[Tokens]]
    """
    Where what is known of it may lie. `stateless` goes with access tokens that are JWTs and not for a single use.
    """


class RefreshTokenSettings(TypedDict):
    """
    Settings of a refresh token.
    """

    grace: NotRequired[int]
    """
    How long, in seconds, the direct parent is still answered with the same child, if the child is unused.
    """
    issue: NotRequired[bool]
    """
    Whether one is issued.
    """
    lifetime: NotRequired[int]
    """
    Lifetime of the family in seconds; 0 means as long as the authorization.
    """
    max_idle: NotRequired[int]
    """
    Seconds without use after which it dies; 0 means no such limit.
    """
    rotation: NotRequired[Rotation]
    """
    When it is replaced.
    """
    tokens: NotRequired[Tokens]
    """
    Where what is known of it lies, for as long as the authorization lives: settled when that is granted.
    """


class RegistrationSection(TypedDict):
    """
    Of `client.register`, `client.update` and `client.delete`.
    """

    auth: RegistrationAuth
    """
    How the caller is entitled.
    """
    existing: NotRequired[dict[str, Any]]
    """
    The metadata as it is now.
    """
    metadata: dict[str, Any]
    """
    The metadata that is asked for.
    """
    operation: str
    """
    `create`, `update` or `delete`.
    """
    software_statement: NotRequired[SoftwareStatement]
    """
    The software statement.
    """


class Saml2Assertion(TypedDict):
    """
    A SAML assertion.
    """

    attributes: list[Saml2Attribute]
    """
    Attributes.
    """
    authn: list[AuthnStatement]
    """
    `AuthnStatement`s.
    """
    conditions: Saml2Conditions
    """
    `Conditions`.
    """
    id: str
    """
    Its `ID`.
    """
    issued_at: Instant
    """
    `IssueInstant`.
    """
    issuer: str
    """
    Its issuer.
    """
    name_id: NameId
    """
    The subject.
    """
    subject_confirmation: list[SubjectConfirmation]
    """
    The bearer confirmations that hold.
    """


class Saml2BearerSection(TypedDict):
    """
    The facts of a SAML assertion: what `assertion.saml2` sets, and what `grant.saml2_bearer` is asked about.
    """

    assertion: Saml2Assertion
    """
    The assertion, parsed.
    """
    trust: Trust
    """
    Who vouches.
    """
    verified: Saml2Verified
    """
    What was verified.
    """


class TokenExchangeSection(TypedDict):
    """
    Of `grant.token_exchange`.
    """

    act_depth: int
    """
    How deep the proposed `act` chain is.
    """
    actor_token: NotRequired[TokenFacts]
    """
    Who acts.
    """
    semantics: str
    """
    `delegation` if there is an actor token, else `impersonation` (RFC 8693 section 1.1).
    """
    subject_token: TokenFacts
    """
    On whose behalf.
    """


class Grant(TypedDict):
    """
    What is granted, and how its tokens shall look.
    """

    access_token: NotRequired[AccessTokenSettings]
    """
    Settings of the access token.
    """
    act: NotRequired[Actor]
    """
    The acting party (RFC 8693 section 4.1), nested at most five deep.
    """
    authentication: NotRequired[Authentication]
    """
    Authentication facts; settable only where the server itself did not see the authentication.
    """
    authorization_details: NotRequired[list[dict[str, Any]]]
    """
    Granted authorization details (RFC 9396).
    """
    claims: NotRequired[GrantedClaims]
    """
    Consented claim names, per target.
    """
    claims_context: NotRequired[dict[str, Any]]
    """
    At most 4 KiB, handed to claims sources.
    """
    data: NotRequired[dict[str, Any]]
    """
    Server-side only, at most 8 KiB: kept with the authorization, never in a token.
    """
    id_token: NotRequired[IdTokenSettings]
    """
    Settings of the ID token.
    """
    may_act: NotRequired[dict[str, Any]]
    """
    Who may act for the subject later (RFC 8693 section 4.4); copied into the token.
    """
    refresh_token: NotRequired[RefreshTokenSettings]
    """
    Settings of the refresh token.
    """
    resources: NotRequired[list[str]]
    """
    Granted resource indicators (RFC 8707).
    """
    scope: NotRequired[list[str]]
    """
    Granted scope values.
    """
    sub: NotRequired[str]
    """
    Local subject of the tokens, at most 255 characters; absent for client credentials.
    """
    userinfo: NotRequired[UserinfoSettings]
    """
    Preset values for `UserInfo`.
    """


class GrantLimits(TypedDict):
    """
    Of a grant.
    """

    access_token: AccessTokenLimits
    """
    Of the access token.
    """
    act: Freedom
    """
    Of `act`. To remove or shorten a chain is to change the subject.
    """
    authentication: Freedom
    """
    Of `authentication`.
    """
    authorization_details: list[dict[str, Any]]
    """
    Authorization details that may be granted, each once at the most and as it is, except in its `enrichable`
    members.
    """
    claims: GrantedClaims
    """
    Claim names that may be granted, per target.
    """
    enrichable: NotRequired[dict[str, list[str]]]
    """
    Members of authorization details that may be added or changed, and not taken away: for each type, JSON pointers
    that begin at the detail.
    """
    id_token: IdTokenLimits
    """
    Of the ID token.
    """
    max_claims_context_bytes: int
    """
    The longest `claims_context`, in bytes of JSON.
    """
    max_data_bytes: int
    """
    The longest `data`, in bytes of JSON.
    """
    max_userinfo_bytes: int
    """
    The longest `userinfo.claims`, in bytes of JSON.
    """
    may_act: Freedom
    """
    Of `may_act`.
    """
    refresh_token: RefreshTokenLimits
    """
    Of the refresh token.
    """
    reserved_claims: list[str]
    """
    Claim names that no `claims` object may set.
    """
    resources: list[str]
    """
    Resources that may be granted.
    """
    scope: list[str]
    """
    Scope values that may be granted.
    """
    sub: Freedom
    """
    Of `sub`.
    """


class Limits(TypedDict):
    """
    Limits, by section of the proposal.
    """

    ciba: NotRequired[CibaLimits]
    """
    Of `ciba`.
    """
    claims: NotRequired[ClaimsLimits]
    """
    Of `claims` and `claim_sources`.
    """
    client: NotRequired[ClientLimits]
    """
    Of `client`.
    """
    consent: NotRequired[ConsentLimits]
    """
    Of `consent`.
    """
    demand: NotRequired[DemandLimits]
    """
    Of `demand`.
    """
    device: NotRequired[DeviceLimits]
    """
    Of `device`.
    """
    grant: NotRequired[GrantLimits]
    """
    Of `grant`.
    """
    introspection: NotRequired[IntrospectionLimits]
    """
    Of `introspection`.
    """
    logout: NotRequired[LogoutLimits]
    """
    Of `logout`.
    """
    saml2_bearer: NotRequired[ObjectLimits]
    """
    Of `saml2_bearer`: the section is set as a whole.
    """
    session: NotRequired[SessionLimits]
    """
    Of `session`.
    """
    token_response: NotRequired[ObjectLimits]
    """
    Of `token_response`.
    """


class Proposal(TypedDict):
    """
    The proposed result; which sections are there depends on the type.
    """

    ciba: NotRequired[CibaProposal]
    """
    The backchannel authentication.
    """
    claim_sources: NotRequired[dict[str, Any]]
    """
    Aggregated and distributed claims: `{name: {claims, jwt} | {claims, endpoint, access_token}}`.
    """
    claims: NotRequired[dict[str, Any]]
    """
    Claims with values.
    """
    client: NotRequired[dict[str, Any]]
    """
    Client metadata.
    """
    consent: NotRequired[ConsentProposal]
    """
    Whether the user is asked.
    """
    demand: NotRequired[DemandProposal]
    """
    What is demanded of the user.
    """
    device: NotRequired[DeviceProposal]
    """
    The device request.
    """
    grant: NotRequired[Grant]
    """
    What is granted.
    """
    introspection: NotRequired[dict[str, Any]]
    """
    The introspection response.
    """
    logout: NotRequired[LogoutProposal]
    """
    The logout.
    """
    saml2_bearer: NotRequired[Saml2BearerSection]
    """
    Facts of a SAML assertion.
    """
    session: NotRequired[SessionProposal]
    """
    The session.
    """
    token_response: NotRequired[dict[str, Any]]
    """
    Extra members of the token endpoint's answer.
    """


class DecisionRequest(TypedDict):
    """
    A decision request. Members that a receiver does not know are ignored.
    """

    actor: NotRequired[Party]
    """
    Who acts.
    """
    attempt: int
    """
    1, or 2 when the first attempt surely was not processed.
    """
    authorization: NotRequired[AuthorizationFacts]
    """
    Of `grant.authorization_code`, `grant.device_code` and `grant.ciba`.
    """
    authorization_request: NotRequired[AuthorizationRequestSection]
    """
    Of `authorization.request`.
    """
    chain: ChainPosition
    """
    Which registration this is, and where it stands.
    """
    ciba: NotRequired[CibaSection]
    """
    Of `ciba.request`.
    """
    claims: NotRequired[ClaimsSection]
    """
    Of `claims.source`.
    """
    client: NotRequired[DeciderClient]
    """
    The client.
    """
    client_credentials: NotRequired[ClientCredentialsSection]
    """
    Of `grant.client_credentials`.
    """
    deadline: Instant
    """
    When the answer comes too late. Programs use the header `Placet-Timeout-Ms`, which no clock disturbs.
    """
    device: NotRequired[DeviceSection]
    """
    Of `device.request`.
    """
    grant: NotRequired[GrantFacts]
    """
    The grant, as it was requested.
    """
    id: str
    """
    `dec_…`: the same when the request is repeated; equals the header `webhook-id`.
    """
    interaction: NotRequired[InteractionFacts]
    """
    The interaction with the user.
    """
    introspection: NotRequired[IntrospectionSection]
    """
    Of `token.introspect`.
    """
    issuer: str
    """
    The issuer identifier of the server.
    """
    jwt_bearer: NotRequired[JwtBearerSection]
    """
    Of `grant.jwt_bearer`.
    """
    limits: Limits
    """
    The ceiling of what may be set.
    """
    logout: NotRequired[LogoutSection]
    """
    Of `logout.evaluate`.
    """
    mode: Mode
    """
    Whether the answer counts. In `shadow` and `test` there must be no side effects.
    """
    password: NotRequired[PasswordSection]
    """
    Of `grant.password`.
    """
    pop: NotRequired[ProofOfPossession]
    """
    Proof of possession, verified.
    """
    proposal: Proposal
    """
    The result if the answer is a bare allow.
    """
    protocol: str
    """
    Version of the protocol, `1.<minor>`.
    """
    raw_assertion: NotRequired[RawAssertionSection]
    """
    Of `assertion.saml2`.
    """
    refresh_token: NotRequired[RefreshTokenSection]
    """
    Of `grant.refresh_token`.
    """
    registration: NotRequired[RegistrationSection]
    """
    Of `client.register`, `client.update` and `client.delete`.
    """
    request: RequestFacts
    """
    The HTTP request that led here.
    """
    requires: NotRequired[list[str]]
    """
    JSON Pointers into the patched proposal that must be there.
    """
    saml2_bearer: NotRequired[Saml2BearerSection]
    """
    Of `grant.saml2_bearer`.
    """
    session: NotRequired[SessionFacts]
    """
    The user's session.
    """
    subject: NotRequired[Party]
    """
    Whom it is about.
    """
    tenant: NotRequired[str]
    """
    The tenant, where there are several.
    """
    time: Instant
    """
    When it was asked.
    """
    token_exchange: NotRequired[TokenExchangeSection]
    """
    Of `grant.token_exchange`.
    """
    type: HookType
    """
    What is asked.
    """
