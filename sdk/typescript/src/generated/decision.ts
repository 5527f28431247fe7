// Written by `npm run generate` from sdk/schemas/1. Do not edit.

/** Of an access token. */
export interface AccessTokenLimits {
  /** Audiences it may have. */
  audiences: string[];
  /** Encodings it may have. */
  encodings: Encoding[];
  /** Whether it may be encrypted. */
  encrypt: boolean;
  /** The longest `claims`, in bytes of JSON. */
  max_claims_bytes: number;
  /** The longest `lifetime`, in seconds. */
  max_lifetime: number;
  /** The weakest `sender_constraint`. */
  sender_constraint?: SenderConstraint;
  /** Whether `single_use` may be switched on. It can never be switched off. */
  single_use: boolean;
  /** Subject types it may show. */
  sub_types: SubType[];
}

/** Settings of an access token. */
export interface AccessTokenSettings {
  /** Overrides the audience that follows from `resources`. */
  audience?: string[];
  /** Extra claims with values; every reader of the token sees them. */
  claims?: {
    [k: string]: unknown;
  };
  /** JWT or opaque. */
  encoding?: Encoding;
  /** Nested JWE to the resource server's key. */
  encrypt?: boolean;
  /** Lifetime in seconds. */
  lifetime?: number;
  /** Binding to a key. */
  sender_constraint?: SenderConstraint;
  /** Exactly one introspection or `UserInfo` call finds the token active (opaque tokens only). */
  single_use?: boolean;
  /** Public or pairwise subject. */
  sub_type?: SubType;
}

/** A link of the actor chain (RFC 8693 section 4.1). */
export interface Actor {
  /** The actor before this one. */
  act?: Actor;
  /** The client that acts. */
  client_id?: string;
  /** Issuer of that subject, where it is not this server. */
  iss?: string;
  /** Subject of the actor. */
  sub: string;
}

/** Facts about an authentication. */
export interface Authentication {
  /** Authentication context class reference. */
  acr?: string;
  /** Authentication methods (RFC 8176). */
  amr?: string[];
  /** When it happened. */
  authenticated_at?: Instant;
}

/** An authentication that a SAML assertion states. */
export interface AuthnStatement {
  /** The class. */
  class_ref?: string;
  /** When. */
  instant: Instant;
  /** `SessionIndex`. */
  session_index?: string;
}

/** A stored authorization. */
export interface AuthorizationFacts {
  /** `claims_context` of the grant. */
  claims_context?: {
    [k: string]: unknown;
  };
  /** `data` of the grant. */
  data?: {
    [k: string]: unknown;
  };
  /** When it was granted. */
  granted_at: Instant;
  /** `az_…`. */
  id: string;
  /** `authorization`, `device`, `ciba`, `direct` …: how it was granted. */
  kind: string;
  /** Granted resources. */
  resources: string[];
  /** Granted scope values. */
  scope: string[];
}

/** Of `authorization.request`. */
export interface AuthorizationRequestSection {
  /** The request, as the login app sees it. */
  request: RequestInfo;
  /** Whether this browser has a live session. */
  session_present: boolean;
}

/** What tokens are bound to. */
export type Binding = "none" | "dpop" | "mtls";

/** How long a decision may be used again. The server's registration has to agree; the shorter time counts. */
export interface CacheHint {
  /** In seconds. */
  max_age?: number;
  /** Seconds after `max_age` during which it still serves while the sidecar fails. */
  stale_if_error?: number;
}

/** Where a registration stands among those of its type. */
export interface ChainPosition {
  /** How many there are. */
  of: number;
  /** Name of the registration. */
  policy: string;
  /** Its place, from 1. */
  position: number;
}

/** What is needed before the answer can be allow. */
export type Challenge =
  | {
      /** Acceptable authentication context classes, best first. */
      acr_values?: string[];
      /** Authentication methods that must be among those used (RFC 8176). */
      amr_values?: string[];
      kind: "step_up";
      /** At most so many seconds ago. */
      max_age?: number;
      /** For the page. */
      message?: string;
    }
  | {
      kind: "consent";
      /** For the page. */
      message?: string;
      /** The scope values it is about; none means all that are requested. */
      scope?: string[];
    }
  | {
      kind: "select_account";
      /** For the page. */
      message?: string;
    }
  | {
      kind: "prompt";
      /** For the page. */
      message?: string;
      /** The page. */
      name: string;
      /** What it shows. */
      params?: {
        [k: string]: unknown;
      };
    };

/** Of a backchannel authentication. */
export interface CibaLimits {
  /** The longest `channel`, in bytes of JSON. */
  max_channel_bytes: number;
  /** The longest life, in seconds. */
  max_expires_in: number;
  /** The shortest interval, in seconds. */
  min_interval: number;
  /** Of `sub`. */
  sub: Freedom;
}

/** The backchannel authentication. */
export interface CibaProposal {
  /** For the login app: how the user is reached. */
  channel?: {
    [k: string]: unknown;
  };
  /** How long the request lives, in seconds. */
  expires_in: number;
  /** How often it may be polled, in seconds. */
  interval: number;
  /** The user behind the hint. */
  sub?: string;
}

/** Of `ciba.request`. */
export interface CibaSection {
  /** Authentication context classes that the client asks for. */
  acr_values?: string[];
  /** Shown to the user on both devices. */
  binding_message?: string;
  /** `poll`, `ping` or `push`. */
  delivery: string;
  /** Whom the client means. */
  hint: HintFacts;
  /** `request_context` of FAPI-CIBA. */
  request_context?: {
    [k: string]: unknown;
  };
  /** The life that the client asks for, in seconds. */
  requested_expiry?: number;
  /** A secret that only the user knows. */
  user_code?: string;
}

/** Of claims. */
export interface ClaimsLimits {
  /** Whether aggregated and distributed claims may be named (OpenID Connect Core section 5.6.2). */
  claim_sources: boolean;
  /** All of them together, in bytes of JSON. */
  max_bytes: number;
  /** Names that may be set. */
  names: string[];
}

/** Of `claims.source`. */
export interface ClaimsSection {
  /** `claims_context` of the grant. */
  context?: {
    [k: string]: unknown;
  };
  /** Languages, best first. */
  locales?: string[];
  /** The claims that this source owns and the client may read. */
  requested: RequestedClaim[];
  /** `id_token`, `userinfo` or `access_token`. */
  target: string;
}

/** How a client authenticated. */
export interface ClientAuth {
  /** The key it used. */
  kid?: string;
  /** The method (RFC 7591 section 2); `none` for a public client. */
  method: string;
  /** Whether it was proved; false for a public client. */
  verified: boolean;
  /** Thumbprint of its certificate. */
  "x5t#S256"?: string;
}

/** Of `grant.client_credentials`: nothing. */
export interface ClientCredentialsSection {}

/** Of a registration. */
export interface ClientLimits {
  /** Grant types it may have. */
  grant_types: string[];
  /** Metadata members that may be set; the result is checked like a registration. */
  members: string[];
  /** Scope values it may have; absent means any. */
  scope?: string[];
}

/** Of whether the user is asked. */
export interface ConsentLimits {
  /** Whether `ask` may be switched on. It can never be switched off. */
  ask: boolean;
}

/** Whether the user is asked. */
export interface ConsentProposal {
  /** The user will be asked for consent. */
  ask: boolean;
}

/** Which policy decided. */
export interface DecidedBy {
  /** Its name. */
  name: string;
  /** Its version; a new one makes the server forget the decisions of the old one. */
  version: string;
}

/** A client as a policy sees it. */
export interface DeciderClient {
  /** How it authenticated with this request. */
  auth?: ClientAuth;
  /** Its id. */
  client_id: string;
  /** The operator's own metadata: tier, owner. */
  data?: {
    [k: string]: unknown;
  };
  /** It belongs to the operator. */
  first_party: boolean;
  /** Grant types it registered. */
  grant_types?: string[];
  /** Registered metadata that the registration of the policy asks for by name. */
  metadata?: {
    [k: string]: unknown;
  };
  /** Its name. */
  name?: string;
  /** Scope values it registered. */
  scope?: string[];
  /** Its software. */
  software_id?: string;
  /** `public` or `confidential`. */
  type?: string;
}

/** The answer to a decision request. Only status 200 with this body is an answer; everything else is a failure. */
export interface Decision {
  /** How long the decision may be used again; absent means not at all. */
  cache?: CacheHint;
  /** With challenge: what is needed first. */
  challenge?: Challenge;
  /** Allow, deny or challenge. */
  decision: Verdict;
  /** With deny: what the client is told. */
  error?: PolicyError;
  /** The id of the request, repeated. */
  id: string;
  /** What decided. */
  policy?: DecidedBy;
  /** Why; for the decision log alone, never for clients. */
  reason?: Reason;
  /**
   * With allow only: a JSON Merge Patch (RFC 7396) over `proposal`. Which sections it may hold depends on the type;
   * an unknown member is a failure, members starting with `x-` are ignored.
   */
  set?: {
    [k: string]: unknown;
  };
  /** Labels for log and metrics, at most 16. */
  tags?: {
    [k: string]: string;
  };
}

/** A decision request. Members that a receiver does not know are ignored. */
export interface DecisionRequest {
  /** Who acts. */
  actor?: Party;
  /** 1, or 2 when the first attempt surely was not processed. */
  attempt: number;
  /** Of `grant.authorization_code`, `grant.device_code` and `grant.ciba`. */
  authorization?: AuthorizationFacts;
  /** Of `authorization.request`. */
  authorization_request?: AuthorizationRequestSection;
  /** Which registration this is, and where it stands. */
  chain: ChainPosition;
  /** Of `ciba.request`. */
  ciba?: CibaSection;
  /** Of `claims.source`. */
  claims?: ClaimsSection;
  /** The client. */
  client?: DeciderClient;
  /** Of `grant.client_credentials`. */
  client_credentials?: ClientCredentialsSection;
  /** When the answer comes too late. Programs use the header `Placet-Timeout-Ms`, which no clock disturbs. */
  deadline: Instant;
  /** Of `device.request`. */
  device?: DeviceSection;
  /** The grant, as it was requested. */
  grant?: GrantFacts;
  /** `dec_…`: the same when the request is repeated; equals the header `webhook-id`. */
  id: string;
  /** The interaction with the user. */
  interaction?: InteractionFacts;
  /** Of `token.introspect`. */
  introspection?: IntrospectionSection;
  /** The issuer identifier of the server. */
  issuer: string;
  /** Of `grant.jwt_bearer`. */
  jwt_bearer?: JwtBearerSection;
  /** The ceiling of what may be set. */
  limits: Limits;
  /** Of `logout.evaluate`. */
  logout?: LogoutSection;
  /** Whether the answer counts. In `shadow` and `test` there must be no side effects. */
  mode: Mode;
  /** Of `grant.password`. */
  password?: PasswordSection;
  /** Proof of possession, verified. */
  pop?: ProofOfPossession;
  /** The result if the answer is a bare allow. */
  proposal: Proposal;
  /** Version of the protocol, `1.<minor>`. */
  protocol: string;
  /** Of `assertion.saml2`. */
  raw_assertion?: RawAssertionSection;
  /** Of `grant.refresh_token`. */
  refresh_token?: RefreshTokenSection;
  /** Of `client.register`, `client.update` and `client.delete`. */
  registration?: RegistrationSection;
  /** The HTTP request that led here. */
  request: RequestFacts;
  /** JSON Pointers into the patched proposal that must be there. */
  requires?: string[];
  /** Of `grant.saml2_bearer`. */
  saml2_bearer?: Saml2BearerSection;
  /** The user's session. */
  session?: SessionFacts;
  /** Whom it is about. */
  subject?: Party;
  /** The tenant, where there are several. */
  tenant?: string;
  /** When it was asked. */
  time: Instant;
  /** Of `grant.token_exchange`. */
  token_exchange?: TokenExchangeSection;
  /** What is asked. */
  type: HookType;
}

/** Of what is demanded of a user. */
export interface DemandLimits {
  /** Classes that may be demanded; empty means any. */
  acr_values: string[];
  /** The longest `max_age`: that of the request; absent means any. */
  max_age?: number;
  /** Login apps that the user may be sent to. */
  uis: string[];
}

/** What is demanded of the user. */
export interface DemandProposal {
  /** Whether one of them must be reached. */
  acr_essential: boolean;
  /** Acceptable authentication context classes, best first. */
  acr_values: string[];
  /** A session does not count: the user has to authenticate now. */
  force_auth: boolean;
  /** At most so many seconds since the authentication. */
  max_age?: number;
  /** The login app that asks. */
  ui?: string;
}

/** Of a device request. */
export interface DeviceLimits {
  /** The longest life, in seconds. */
  max_expires_in: number;
  /** The shortest interval, in seconds. */
  min_interval: number;
}

/** The device request. */
export interface DeviceProposal {
  /** How long its codes live, in seconds. */
  expires_in: number;
  /** How often it may poll, in seconds. */
  interval: number;
}

/** Of `device.request`. */
export interface DeviceSection {
  /** How long its codes live, in seconds. */
  expires_in: number;
  /** How often it may poll, in seconds. */
  interval: number;
}

/** A verified DPoP proof. */
export interface DpopFacts {
  /** Algorithm of the proof. */
  alg: string;
  /** Thumbprint of the key. */
  jkt: string;
  /** Always true. */
  verified: boolean;
}

/** How an access token is encoded. */
export type Encoding = "jwt" | "opaque";

/** Whether a member may be set. */
export type Freedom = "forbidden" | "fixed" | "settable";

/** What is granted, and how its tokens shall look. */
export interface Grant {
  /** Settings of the access token. */
  access_token?: AccessTokenSettings;
  /** The acting party (RFC 8693 section 4.1), nested at most five deep. */
  act?: Actor;
  /** Authentication facts; settable only where the server itself did not see the authentication. */
  authentication?: Authentication;
  /** Granted authorization details (RFC 9396). */
  authorization_details?: {
    [k: string]: unknown;
  }[];
  /** Consented claim names, per target. */
  claims?: GrantedClaims;
  /** At most 4 KiB, handed to claims sources. */
  claims_context?: {
    [k: string]: unknown;
  };
  /** Server-side only, at most 8 KiB: kept with the authorization, never in a token. */
  data?: {
    [k: string]: unknown;
  };
  /** Settings of the ID token. */
  id_token?: IdTokenSettings;
  /** Who may act for the subject later (RFC 8693 section 4.4); copied into the token. */
  may_act?: {
    [k: string]: unknown;
  };
  /** Settings of the refresh token. */
  refresh_token?: RefreshTokenSettings;
  /** Granted resource indicators (RFC 8707). */
  resources?: string[];
  /** Granted scope values. */
  scope?: string[];
  /** Local subject of the tokens, at most 255 characters; absent for client credentials. */
  sub?: string;
  /** Preset values for `UserInfo`. */
  userinfo?: UserinfoSettings;
}

/** The grant as it was requested. */
export interface GrantFacts {
  /** The stored authorization it belongs to. */
  authorization_id?: string;
  /** What was asked for. */
  requested: Requested;
  /** The grant type, as in `grant_type`. */
  type?: string;
}

/** Of a grant. */
export interface GrantLimits {
  /** Of the access token. */
  access_token: AccessTokenLimits;
  /** Of `act`. To remove or shorten a chain is to change the subject. */
  act: Freedom;
  /** Of `authentication`. */
  authentication: Freedom;
  /**
   * Authorization details that may be granted, each once at the most and as it is, except in its `enrichable`
   * members.
   */
  authorization_details: {
    [k: string]: unknown;
  }[];
  /** Claim names that may be granted, per target. */
  claims: GrantedClaims;
  /**
   * Members of authorization details that may be added or changed, and not taken away: for each type, JSON pointers
   * that begin at the detail.
   */
  enrichable?: {
    [k: string]: string[];
  };
  /** Of the ID token. */
  id_token: IdTokenLimits;
  /** The longest `claims_context`, in bytes of JSON. */
  max_claims_context_bytes: number;
  /** The longest `data`, in bytes of JSON. */
  max_data_bytes: number;
  /** The longest `userinfo.claims`, in bytes of JSON. */
  max_userinfo_bytes: number;
  /** Of `may_act`. */
  may_act: Freedom;
  /** Of the refresh token. */
  refresh_token: RefreshTokenLimits;
  /** Claim names that no `claims` object may set. */
  reserved_claims: string[];
  /** Resources that may be granted. */
  resources: string[];
  /** Scope values that may be granted. */
  scope: string[];
  /** Of `sub`. */
  sub: Freedom;
}

/** Claim names per target; language tags are allowed (`name#fr`). */
export interface GrantedClaims {
  /** For the access token. */
  access_token?: string[];
  /** For the ID token. */
  id_token?: string[];
  /** For `UserInfo`. */
  userinfo?: string[];
}

/** Whom a client means. */
export interface HintFacts {
  /** The verified claims of a token. */
  claims?: {
    [k: string]: unknown;
  };
  /** `login_hint`, `login_hint_token` or `id_token_hint`. */
  kind: string;
  /** The hint as it is, if it is not a token. */
  value?: string;
}

/** A decision point: when the server asks, and so what a request is about. */
export type HookType =
  | "authorization.request"
  | "interaction.evaluate"
  | "interaction.approve"
  | "device.request"
  | "ciba.request"
  | "grant.authorization_code"
  | "grant.device_code"
  | "grant.ciba"
  | "grant.refresh_token"
  | "grant.password"
  | "grant.client_credentials"
  | "grant.jwt_bearer"
  | "assertion.saml2"
  | "grant.saml2_bearer"
  | "grant.token_exchange"
  | "client.register"
  | "client.update"
  | "client.delete"
  | "claims.source"
  | "token.introspect"
  | "logout.evaluate";

/** Of an ID token. */
export interface IdTokenLimits {
  /** Whether there may be one. */
  allowed: boolean;
  /** Audiences it may have besides the client. */
  audiences: string[];
  /** The longest `claims`, in bytes of JSON. */
  max_claims_bytes: number;
  /** The longest `lifetime`, in seconds. */
  max_lifetime: number;
  /** Whether it may be issued again with each refresh. */
  reissue_on_refresh: boolean;
}

/** Settings of an ID token. */
export interface IdTokenSettings {
  /** Audiences besides the client. */
  audience?: string[];
  /** Preset values, kept for refreshed ID tokens. */
  claims?: {
    [k: string]: unknown;
  };
  /** Whether one is issued. */
  issue?: boolean;
  /** Lifetime in seconds. */
  lifetime?: number;
  /** A new ID token with each refresh while the session lives. */
  reissue_on_refresh?: boolean;
}

/** An RFC 3339 instant in UTC, ending in `Z` */
export type Instant = string;

/** The interaction with a user. */
export interface InteractionFacts {
  /** How many challenges policies have raised in it. */
  challenges: number;
  /** Facts of a backchannel authentication. */
  ciba?: {
    [k: string]: unknown;
  };
  /** What was consented. */
  consent?: RequestedConsent;
  /** Facts of a device. */
  device?: {
    [k: string]: unknown;
  };
  /** Tokens that leave through the browser at once: `id_token`, `token`. This is the last hook for them. */
  front_channel?: string[];
  /** `ia_…`; of a direct grant, the `az_…` that it is about to become. */
  id: string;
  /**
   * `authorization`, `device`, `ciba` or `logout`; `direct` for a grant without a browser, where nobody can be
   * challenged.
   */
  kind: string;
  /** Results of pages that policies asked for, by name. */
  results?: {
    [k: string]: unknown;
  };
  /** Before or after consent. */
  stage: InteractionStage;
}

/** Where an interaction stands. */
export type InteractionStage = "evaluate" | "approve";

/** Who introspects. */
export interface IntrospectionCaller {
  /** The client. */
  client_id: string;
  /** Whether it is in the audience of the token. */
  in_audience: boolean;
}

/** Of an introspection response. */
export interface IntrospectionLimits {
  /** The whole response, in bytes of JSON. */
  max_bytes: number;
  /** Members that stay as they are. `username` and all claims that the server alone writes can only be taken away. */
  reserved: string[];
  /** Scope values it may show. */
  scope: string[];
}

/** Of `token.introspect`. */
export interface IntrospectionSection {
  /** Who asks. */
  caller: IntrospectionCaller;
  /** About which token. */
  token: IntrospectionToken;
}

/** The token that is introspected. */
export interface IntrospectionToken {
  /** Its stored authorization. */
  authorization_id?: string;
  /** Its claims. */
  claims: {
    [k: string]: unknown;
  };
  /** `data` of the grant. */
  data?: {
    [k: string]: unknown;
  };
  /** `access_token` or `refresh_token`. */
  kind: string;
}

/** A verified JWT. */
export interface JwtAssertion {
  /** Its claims. */
  claims: {
    [k: string]: unknown;
  };
  /** `alg`, `kid`, `typ`. */
  header: {
    [k: string]: unknown;
  };
}

/** Of `grant.jwt_bearer`. */
export interface JwtBearerSection {
  /** The assertion, parsed. */
  assertion: JwtAssertion;
  /** The issuer. */
  issuer: JwtIssuer;
  /** Who vouches. */
  trust: Trust;
  /** What the server verified. */
  verified: JwtVerified;
}

/** The issuer of an assertion. */
export interface JwtIssuer {
  /** Its `iss`. */
  id: string;
  /** `inline` or `uri`. */
  jwks_source: string;
}

/** What was verified of a JWT. */
export interface JwtVerified {
  /** That it is meant for this server. */
  audience: boolean;
  /** That its id was not used before. It is remembered when the tokens are issued. */
  replay_checked: boolean;
  /** Its signature. */
  signature: boolean;
}

/** Limits, by section of the proposal. */
export interface Limits {
  /** Of `ciba`. */
  ciba?: CibaLimits;
  /** Of `claims` and `claim_sources`. */
  claims?: ClaimsLimits;
  /** Of `client`. */
  client?: ClientLimits;
  /** Of `consent`. */
  consent?: ConsentLimits;
  /** Of `demand`. */
  demand?: DemandLimits;
  /** Of `device`. */
  device?: DeviceLimits;
  /** Of `grant`. */
  grant?: GrantLimits;
  /** Of `introspection`. */
  introspection?: IntrospectionLimits;
  /** Of `logout`. */
  logout?: LogoutLimits;
  /** Of `saml2_bearer`: the section is set as a whole. */
  saml2_bearer?: ObjectLimits;
  /** Of `session`. */
  session?: SessionLimits;
  /** Of `token_response`. */
  token_response?: ObjectLimits;
}

/** A client in a session. */
export interface LogoutClient {
  /** It is told directly. */
  backchannel: boolean;
  /** Its id. */
  client_id: string;
  /** It is told through the browser. */
  frontchannel: boolean;
}

/** A hint of a logout request. */
export interface LogoutHint {
  /** Its claims. */
  claims?: {
    [k: string]: unknown;
  };
  /** It is a genuine ID token of this browser's session. */
  verified: boolean;
}

/** Of a logout. */
export interface LogoutLimits {
  /** Whether `confirm` may be switched off: a valid hint of the user's own session came along. */
  skip_confirm: boolean;
}

/** The logout. */
export interface LogoutProposal {
  /** The user has to confirm. */
  confirm: boolean;
}

/** Of `logout.evaluate`. */
export interface LogoutSection {
  /** Clients that were used in the session. */
  clients: LogoutClient[];
  /** The hint that came along. */
  hint?: LogoutHint;
  /** `rp` or `op`. */
  initiator: string;
  /** Non-standard parameters that the operator lets policies see. */
  parameters?: {
    [k: string]: string[];
  };
}

/** Whether an answer counts. */
export type Mode = "enforce" | "shadow" | "test";

/** A verified client certificate. */
export interface MtlsFacts {
  /** Its subject. */
  subject_dn?: string;
  /** Always true. */
  verified: boolean;
  /** Thumbprint of the certificate. */
  "x5t#S256": string;
}

/** The subject of a SAML assertion. */
export interface NameId {
  /** Its format. */
  format?: string;
  /** `NameQualifier`. */
  name_qualifier?: string;
  /** `SPNameQualifier`. */
  sp_name_qualifier?: string;
  /** Its text. */
  value: string;
}

/** Of an object whose members the server does not know. */
export interface ObjectLimits {
  /** Of the whole object, in bytes of JSON. */
  max_bytes: number;
  /** Members that cannot be set. */
  reserved: string[];
}

/** What was granted in the beginning. */
export interface OriginalGrant {
  /** Resources. */
  resources: string[];
  /** Scope values. */
  scope: string[];
}

/** Somebody whom a decision is about. */
export interface Party {
  /** Claims that are known of it. */
  claims?: {
    [k: string]: unknown;
  };
  /** From where the server knows. */
  source: PartySource;
  /** The subject; local, or pairwise if the registration of the policy says so. */
  sub: string;
  /** A user, a client … */
  type: PartyType;
}

/** From where the server knows of somebody. */
export type PartySource =
  "session" | "subject_token" | "actor_token" | "assertion" | "authorization" | "login_hint" | "client";

/** What somebody is. */
export type PartyType = "user" | "client" | "workload" | "external";

/** Of `grant.password`. */
export interface PasswordSection {
  /** A second factor, if the request carried one. */
  otp?: string;
  /** The password. */
  password: string;
  /** The user name. */
  username: string;
}

/** How a sidecar authenticates, and is authenticated. */
export interface PolicyAuth {
  /** What it wants of requests: `signature`, `mtls`, `bearer`. */
  request?: string[];
  /** Whether it signs its answers. */
  signed_response?: boolean;
}

/** The discovery document of a sidecar. */
export interface PolicyDocument {
  /** How it authenticates, and is authenticated. */
  auth?: PolicyAuth;
  /** Where decisions are asked; of the same origin as `sidecar.id`. */
  decision_endpoint: string;
  /** Its documentation. */
  docs?: string;
  /** Where events are delivered. */
  event_endpoint?: string;
  /** `GET` answers 200 while it is well. */
  health_endpoint?: string;
  /** The modes that it knows. */
  modes?: Mode[];
  /** Versions of the protocol that it speaks. */
  protocols: string[];
  /** Who it is. */
  sidecar: SidecarInfo;
  /** The decisions that it makes. */
  types: SupportedType[];
}

/** What a client is told when a policy denies. */
export interface PolicyError {
  /** An error code that the type allows. */
  code: string;
  /** For the client's developer; printable ASCII without `"` and `\` (RFC 6749 section 5.2). */
  description?: string;
  /** A page about the error. */
  uri?: string;
}

/** Proof of possession that the server has verified. */
export interface ProofOfPossession {
  /** What the tokens are bound to. */
  binding: Binding;
  /** DPoP (RFC 9449). */
  dpop?: DpopFacts;
  /** Mutual TLS (RFC 8705). */
  mtls?: MtlsFacts;
}

/** The proposed result; which sections are there depends on the type. */
export interface Proposal {
  /** The backchannel authentication. */
  ciba?: CibaProposal;
  /** Aggregated and distributed claims: `{name: {claims, jwt} | {claims, endpoint, access_token}}`. */
  claim_sources?: {
    [k: string]: unknown;
  };
  /** Claims with values. */
  claims?: {
    [k: string]: unknown;
  };
  /** Client metadata. */
  client?: {
    [k: string]: unknown;
  };
  /** Whether the user is asked. */
  consent?: ConsentProposal;
  /** What is demanded of the user. */
  demand?: DemandProposal;
  /** The device request. */
  device?: DeviceProposal;
  /** What is granted. */
  grant?: Grant;
  /** The introspection response. */
  introspection?: {
    [k: string]: unknown;
  };
  /** The logout. */
  logout?: LogoutProposal;
  /** Facts of a SAML assertion. */
  saml2_bearer?: Saml2BearerSection;
  /** The session. */
  session?: SessionProposal;
  /** Extra members of the token endpoint's answer. */
  token_response?: {
    [k: string]: unknown;
  };
}

/** Of `assertion.saml2`. */
export interface RawAssertionSection {
  /** One of these must be in every audience restriction. */
  audience: string[];
  /** Clocks may differ by so many seconds. */
  clock_skew: number;
  /** `saml2`. */
  format: string;
  /** The token endpoint: what the recipient of the confirmation must be. */
  recipient: string;
  /** The assertion as it came, base64url. */
  value: string;
}

/** Why a policy decided as it did. */
export interface Reason {
  /** A short stable word. */
  code: string;
  /** A sentence. */
  detail?: string;
}

/** Of a refresh token. */
export interface RefreshTokenLimits {
  /** Whether there may be one. */
  allowed: boolean;
  /** The longest `grace`, in seconds. */
  max_grace: number;
  /** The longest `max_idle`, in seconds; 0 means there is no such limit. */
  max_idle: number;
  /** The longest `lifetime`, in seconds. */
  max_lifetime: number;
  /** The rotation, if it may not be weaker: `never` < `auto` < `always`. */
  rotation?: Rotation;
  /** Where what is known of it may lie. `stateless` goes with access tokens that are JWTs and not for a single use. */
  tokens?: Tokens[];
}

/** Of `grant.refresh_token`. */
export interface RefreshTokenSection {
  /** How often it was rotated. */
  count: number;
  /** `data` of the grant. */
  data?: {
    [k: string]: unknown;
  };
  /** When the family began. */
  first_issued_at: Instant;
  /** When it was last used. */
  last_used_at: Instant;
  /** What was granted in the beginning. */
  original: OriginalGrant;
  /** Whether this use gives a new token. */
  rotation: boolean;
  /** Whether the session of the authorization lives. */
  session_active: boolean;
}

/** Settings of a refresh token. */
export interface RefreshTokenSettings {
  /** How long, in seconds, the direct parent is still answered with the same child, if the child is unused. */
  grace?: number;
  /** Whether one is issued. */
  issue?: boolean;
  /** Lifetime of the family in seconds; 0 means as long as the authorization. */
  lifetime?: number;
  /** Seconds without use after which it dies; 0 means no such limit. */
  max_idle?: number;
  /** When it is replaced. */
  rotation?: Rotation;
  /** Where what is known of it lies, for as long as the authorization lives: settled when that is granted. */
  tokens?: Tokens;
}

/** How a registration is entitled. */
export interface RegistrationAuth {
  /** What the token says. */
  claims?: {
    [k: string]: unknown;
  };
  /** `open`, `initial_access_token`, `software_statement` or `registration_access_token`. */
  kind: string;
}

/** Of `client.register`, `client.update` and `client.delete`. */
export interface RegistrationSection {
  /** How the caller is entitled. */
  auth: RegistrationAuth;
  /** The metadata as it is now. */
  existing?: {
    [k: string]: unknown;
  };
  /** The metadata that is asked for. */
  metadata: {
    [k: string]: unknown;
  };
  /** `create`, `update` or `delete`. */
  operation: string;
  /** The software statement. */
  software_statement?: SoftwareStatement;
}

/** Where a request came from. */
export interface Remote {
  /** The address. */
  ip: string;
}

/** The HTTP request that led to a decision. */
export interface RequestFacts {
  /** `authorize`, `token`, `par`, `device`, `ciba`, `userinfo`, `introspect`, `register`, `ui` or `logout`. */
  endpoint: string;
  /** Headers that the operator lets policies see. */
  headers?: {
    [k: string]: string;
  };
  /** Non-standard parameters that the operator lets policies see. */
  parameters?: {
    [k: string]: string[];
  };
  /** When it came in. */
  received_at?: Instant;
  /** Where it came from; left out for decisions that may be remembered, unless the policy needs it. */
  remote?: Remote;
  /** With what; left out likewise. */
  user_agent?: string;
}

/** The validated request; `state` and `nonce` are not shown. */
export interface RequestInfo {
  /** Requested authorization details. */
  authorization_details: {
    [k: string]: unknown;
  }[];
  /** Thumbprint of the announced `DPoP` key. */
  dpop_jkt?: string;
  /** `max_age`, in seconds. */
  max_age?: number;
  /** Non-standard parameters that the configuration lets through. */
  parameters: {
    [k: string]: string[];
  };
  /** PKCE method, where PKCE is used. */
  pkce?: string;
  /** `prompt` values. */
  prompt: string[];
  /** Whether it came through the pushed authorization request endpoint. */
  pushed: boolean;
  /** Where the browser goes in the end. */
  redirect_uri?: string;
  /** Requested resource indicators. */
  resources: string[];
  /** `response_mode` in effect. */
  response_mode?: string;
  /** `response_type`. */
  response_type?: string;
  /** Requested scope values. */
  scope: string[];
  /** Whether it was a signed request object. */
  signed: boolean;
}

/** What was asked for. Absent: the request did not say. */
export interface Requested {
  /** `audience` of a token exchange. */
  audience?: string[];
  /** Authorization details (RFC 9396). */
  authorization_details?: {
    [k: string]: unknown;
  }[];
  /** Of a token exchange. */
  requested_token_type?: string;
  /** Resource indicators (RFC 8707). */
  resources?: string[];
  /** Scope values. */
  scope?: string[];
}

/** A claim that is asked for. */
export interface RequestedClaim {
  /** What is asked of `verified_claims` (OpenID Connect for Identity Assurance), as it is. */
  details?: {
    [k: string]: unknown;
  };
  /** Whether the client cannot do without. */
  essential: boolean;
  /** Its name, with a language tag if one was asked for. */
  name: string;
  /** The value it should have. */
  value?: {
    [k: string]: unknown;
  };
  /** The values it may have. */
  values?: unknown[];
}

/** What a user consented to. */
export interface RequestedConsent {
  /** The user was asked in this interaction. */
  explicit: boolean;
  /** Scope values. */
  scope: string[];
}

/** When a refresh token is replaced by its successor. */
export type Rotation = "never" | "always" | "auto";

/** A SAML assertion. */
export interface Saml2Assertion {
  /** Attributes. */
  attributes: Saml2Attribute[];
  /** `AuthnStatement`s. */
  authn: AuthnStatement[];
  /** `Conditions`. */
  conditions: Saml2Conditions;
  /** Its `ID`. */
  id: string;
  /** `IssueInstant`. */
  issued_at: Instant;
  /** Its issuer. */
  issuer: string;
  /** The subject. */
  name_id: NameId;
  /** The bearer confirmations that hold. */
  subject_confirmation: SubjectConfirmation[];
}

/** An attribute of a SAML assertion. */
export interface Saml2Attribute {
  /** For people. */
  friendly_name?: string;
  /** Its name. */
  name: string;
  /** The format of its name. */
  name_format?: string;
  /** Its values, as text. */
  values: string[];
}

/** The facts of a SAML assertion: what `assertion.saml2` sets, and what `grant.saml2_bearer` is asked about. */
export interface Saml2BearerSection {
  /** The assertion, parsed. */
  assertion: Saml2Assertion;
  /** Who vouches. */
  trust: Trust;
  /** What was verified. */
  verified: Saml2Verified;
}

/** `Conditions` of a SAML assertion. */
export interface Saml2Conditions {
  /** The audiences that all restrictions have in common. */
  audiences: string[];
  /** Not before. */
  not_before?: Instant;
  /** Not on or after. */
  not_on_or_after?: Instant;
  /** `OneTimeUse`. */
  one_time_use: boolean;
}

/** What was verified of a SAML assertion. */
export interface Saml2Verified {
  /** The signature algorithm. */
  alg: string;
  /** Whether it came encrypted. */
  encrypted: boolean;
  /** That it was not used before; only the server knows, and sets it. */
  replay_checked: boolean;
  /** Its signature. */
  signature: boolean;
  /** `assertion`. */
  signed: string;
}

/** Whether a token is bound to a key of its holder. */
export type SenderConstraint = "none" | "if_presented" | "required";

/** A session of a user. */
export interface SessionFacts {
  /** Authentication context class reference. */
  acr?: string;
  /** Authentication methods. */
  amr?: string[];
  /** When the user last authenticated. */
  authenticated_at?: Instant;
  /** When it began. */
  created_at?: Instant;
  /** Data of the login app. */
  data?: {
    [k: string]: unknown;
  };
  /** Its id; left out for decisions that may be remembered, unless the policy needs it. */
  id?: string;
  /** The user. */
  sub: string;
}

/** Of a session. */
export interface SessionLimits {
  /** The longest `auth_life`, in seconds. */
  auth_life: number;
  /** The longest `max_idle`, in seconds. */
  max_idle: number;
  /** The longest `max_life`, in seconds. */
  max_life: number;
}

/** The session that the sign-in makes or renews. */
export interface SessionProposal {
  /** How long the authentication satisfies ordinary requests, in seconds. */
  auth_life?: number;
  /** Limit without use, in seconds. */
  max_idle?: number;
  /** Absolute limit, in seconds. */
  max_life?: number;
}

/** Who a sidecar is. */
export interface SidecarInfo {
  /** Its URL, exactly as the server's operator registered it. */
  id: string;
  /** Its name. */
  name: string;
  /** Its version. */
  version: string;
}

/** A software statement. */
export interface SoftwareStatement {
  /** Its claims. */
  claims: {
    [k: string]: unknown;
  };
  /** Whether it was verified. */
  verified: boolean;
}

/** Which subject identifier a token shows. */
export type SubType = "public" | "pairwise";

/** A bearer confirmation. */
export interface SubjectConfirmation {
  /** The method. */
  method: string;
  /** Not on or after. */
  not_on_or_after?: Instant;
  /** The recipient. */
  recipient?: string;
}

/** A decision that a sidecar makes. */
export interface SupportedType {
  /** Whether its decisions may be remembered. */
  cacheable?: boolean;
  /** JSON Pointers of what it looks at besides the mandatory members; absent means everything. */
  needs?: string[];
  /** JSON Pointers of what it may set. */
  returns?: string[];
  /** The type, as in requests. */
  type: string;
}

/** Of `grant.token_exchange`. */
export interface TokenExchangeSection {
  /** How deep the proposed `act` chain is. */
  act_depth: number;
  /** Who acts. */
  actor_token?: TokenFacts;
  /** `delegation` if there is an actor token, else `impersonation` (RFC 8693 section 1.1). */
  semantics: string;
  /** On whose behalf. */
  subject_token: TokenFacts;
}

/** A verified token. */
export interface TokenFacts {
  /** The actors behind it, newest first. */
  act?: Actor;
  /** Its stored authorization. */
  authorization_id?: string;
  /** Its claims. */
  claims: {
    [k: string]: unknown;
  };
  /** Its confirmation (RFC 7800). */
  cnf?: {
    [k: string]: unknown;
  };
  /** `local` or `trusted_issuer`. */
  origin: string;
  /** Its type (RFC 8693 section 3). */
  type: string;
}

/** Where what is known of a token lies. */
export type Tokens = "stored" | "stateless";

/** Who vouches for an assertion. */
export type Trust = "self" | "third_party";

/** Preset values for `UserInfo`. */
export interface UserinfoSettings {
  /** Claim values. */
  claims?: {
    [k: string]: unknown;
  };
}

/** Allow, deny or challenge. */
export type Verdict = "allow" | "deny" | "challenge";
