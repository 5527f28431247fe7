// Written by `npm run generate` from sdk/schemas/1. Do not edit.

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

/** Which accounts may answer. */
export type AccountMode = "any" | "select" | "fixed";

/** Which accounts may answer. */
export interface AccountPrompt {
  /** The sessions of this browser, where the mode is `select`. */
  candidates?: Candidate[];
  /** Any, a choice, or one. */
  mode: AccountMode;
  /** The one, where the mode is `fixed`. */
  sub?: string;
}

/** Demanded authentication context class. */
export interface AcrDemand {
  /** What the session has. */
  current?: string;
  /** Whether the server refuses anything else. */
  essential: boolean;
  /** In order of preference. */
  values: string[];
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

/** Demanded authentication methods. */
export interface AmrDemand {
  /** All of them (RFC 8176). */
  values: string[];
}

/** An answer to a prompt, by `type`; `deny` answers any prompt that is not final. */
export type Answer =
  | {
      type: "user_code";
      /** The code; case and separators do not matter. */
      user_code: string;
    }
  | {
      /** Yes or no. */
      accepted: boolean;
      /** Logout: how far it reaches. */
      scope?: LogoutScope;
      type: "confirm";
    }
  | {
      /** Achieved authentication context class. */
      acr?: string;
      /** Methods used (RFC 8176). */
      amr?: string[];
      /** When; now if absent. At most 60 s in the future. */
      authenticated_at?: Instant;
      /** What becomes of the session. */
      session?: SessionAnswer;
      /** The user: the local subject. */
      sub: string;
      type: "auth";
    }
  | {
      /** Everything that this very prompt listed. */
      accept_all?: boolean;
      /** Exactly what is granted. */
      grant?: Grant;
      /** Whether it is remembered; `never` if absent. */
      remember?: Remember;
      type: "consent";
    }
  | {
      /** Name of the page. */
      name: string;
      /** Its result; reaches the policy that asked. */
      result: {
        [k: string]: unknown;
      };
      type: "custom";
    }
  | {
      /** `access_denied` if absent. */
      error?: DenyError;
      /** For the client's developer; the character set of RFC 6749. */
      error_description?: string;
      /** Only logged. */
      reason?: Reason;
      type: "deny";
    };

/** Establish who the user is, at the demanded strength. */
export interface AuthPrompt {
  /** Which accounts may answer. */
  account: AccountPrompt;
  /** Demanded authentication context class. */
  acr?: AcrDemand;
  /** Demanded methods. */
  amr?: AmrDemand;
  /** 1, then one more each time an answer fell short. */
  attempt: number;
  /** Whether signing up is asked for or allowed. */
  create: boolean;
  /** Greatest age of the authentication, in seconds. */
  max_age?: number;
  /** A message for the user, of the policy that asks for this. */
  message?: string;
  /** `authenticated_at` must not be before this. */
  not_before?: Instant;
  /** Why. */
  reasons: AuthReason[];
}

/** Why the user has to authenticate. */
export type AuthReason =
  | "no_session"
  | "session_idle"
  | "session_expired"
  | "max_age_exceeded"
  | "prompt_login"
  | "prompt_select_account"
  | "prompt_create"
  | "acr_insufficient"
  | "amr_insufficient"
  | "subject_mismatch"
  | "policy_step_up"
  | "answer_insufficient";

/** Facts about an authentication. */
export interface Authentication {
  /** Authentication context class reference. */
  acr?: string;
  /** Authentication methods (RFC 8176). */
  amr?: string[];
  /** When it happened. */
  authenticated_at?: Instant;
}

/** Messages to clients. */
export interface Backchannel {
  /** How many were queued. */
  queued: number;
}

/** An account that this browser is signed in to. */
export interface Candidate {
  /** Authentication context class reference. */
  acr?: string;
  /** Authentication methods. */
  amr?: string[];
  /** When the user last authenticated. */
  authenticated_at: Instant;
  /** Its session; `session.action = "reuse"` names it. */
  session_id: string;
  /** The user. */
  sub: string;
}

/** Facts of a backchannel request. */
export interface CibaInfo {
  /** Requested authentication context classes. */
  acr_values: string[];
  /** Shown on both devices. */
  binding_message?: string;
  /** `poll`, `ping` or `push`. */
  delivery: string;
  /** Context of the request (FAPI-CIBA). */
  request_context?: {
    [k: string]: unknown;
  };
  /** Requested lifetime in seconds. */
  requested_expiry?: number;
}

/** A requested claim. */
export interface ClaimItem {
  /** Whether the client says it cannot do without. */
  essential?: boolean;
  /** Its name, perhaps with a language tag. */
  name: string;
  /** What the client says it is for. */
  purpose?: string;
  /** New or granted before. */
  status: Status;
  /** Where it goes. */
  targets: ClaimTarget[];
}

/** Where a claim goes. */
export type ClaimTarget = "id_token" | "userinfo" | "access_token";

/** The client as its users may see it: never secrets or keys. */
export interface ClientInfo {
  /** `web` or `native`. */
  application_type?: string;
  /** Client identifier. */
  client_id: string;
  /** Home page. */
  client_uri?: string;
  /** The operator's own metadata. */
  data?: {
    [k: string]: unknown;
  };
  /**
   * The host that serves the metadata of a client that nobody registered: show it beside the name, which is only
   * what the client says of itself.
   */
  document_host?: string;
  /** Whether the client belongs to the operator. */
  first_party: boolean;
  /** Logo. */
  logo_uri?: string;
  /** Name in the user's language. */
  name?: string;
  /** Privacy policy. */
  policy_uri?: string;
  /** Terms of service. */
  tos_uri?: string;
  /** `confidential` or `public`. */
  type?: string;
}

/** Ask for a confirmation. */
export interface ConfirmPrompt {
  /** Logout: how far it may reach. */
  choices?: LogoutScope[];
  /** Logout: what happens when the answer names no scope. */
  default?: LogoutScope;
  /** Reasons for caution: `different_network`, `prefilled_code`, `old_request`. */
  warn?: string[];
  /** `device` or `logout`. */
  what: string;
}

/** Obtain the grant. */
export interface ConsentPrompt {
  /**
   * Requested authorization details (RFC 9396), each with a `status`: `new` or `granted`. What is granted is one of
   * these without `status`; where the details of a type are enrichable, members may be added or changed.
   */
  authorization_details?: {
    [k: string]: unknown;
  }[];
  /** How to show them: one for each of `authorization_details`, in the same order. */
  authorization_details_info?: DetailInfo[];
  /** Requested claims. */
  claims: ClaimItem[];
  /** Token settings that apply when the answer sends none. */
  defaults: Grant;
  /** A message for the user, of the policy that asks for this. */
  message?: string;
  /** Offline access. */
  offline: Offline;
  /** Why. */
  reasons: ConsentReason[];
  /** What is remembered. */
  remembered?: Remembered;
  /** Requested scope values. */
  scope: ScopeItem[];
  /** Whose consent. */
  subject: ConsentSubject;
}

/** Why consent is asked. */
export type ConsentReason =
  | "first_time"
  | "new_scope"
  | "new_claims"
  | "new_authorization_details"
  | "prompt_consent"
  | "offline_access"
  | "expired"
  | "native_client"
  | "always"
  | "policy";

/** Whose consent. */
export interface ConsentSubject {
  /** The user. */
  sub: string;
}

/** Run a page that a policy asked for. */
export interface CustomPrompt {
  /** A message for the user. */
  message?: string;
  /** Name of the page. */
  name: string;
  /** Its parameters. */
  params: {
    [k: string]: unknown;
  };
}

/** Where the browser goes. */
export interface Delivery {
  /** Form fields of `form_post`. */
  fields?: {
    [k: string]: string;
  };
  /** How. */
  method: DeliveryMethod;
  /** Where to. */
  uri?: string;
}

/** How the browser is sent on. */
export type DeliveryMethod = "redirect" | "form_post" | "web_message" | "none";

/** Errors that a denial may carry. */
export type DenyError =
  | "access_denied"
  | "login_required"
  | "consent_required"
  | "interaction_required"
  | "account_selection_required"
  | "unmet_authentication_requirements"
  | "invalid_scope"
  | "temporarily_unavailable"
  | "server_error";

/** How to show a requested authorization detail. */
export interface DetailInfo {
  /** Description of its type in the user's language. */
  description?: string;
  /** JSON pointers of members that may be added or changed: the account that the user chooses. */
  enrichable?: string[];
  /** How members are called in the user's language, by their JSON pointers. */
  labels?: {
    [k: string]: string;
  };
  /** Whether it is good for one time: it is asked for each time, whatever is remembered. */
  one_time?: boolean;
  /** Title of its type in the user's language. */
  title?: string;
}

/** Facts of a device request. */
export interface DeviceInfo {
  /** Address of the device. */
  ip?: string;
  /** Whether the code came with the link. */
  prefilled: boolean;
  /** When the device asked. */
  started_at: Instant;
  /** User agent of the device. */
  user_agent?: string;
  /** The code shown on the device. */
  user_code: string;
}

/** How an access token is encoded. */
export type Encoding = "jwt" | "opaque";

/** Show an error page. */
export interface ErrorPrompt {
  /** The OAuth error code. */
  error: string;
  /** A description for developers. */
  error_description: string;
  /** Whether trying again may help. */
  retryable: boolean;
}

/** What is wrong with a member. */
export interface FieldError {
  /** Stable, `snake_case`. */
  code: string;
  /** For humans. */
  detail: string;
  /** JSON pointer to it (RFC 6901); empty for the whole body. */
  pointer: string;
}

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

/** Claim names per target; language tags are allowed (`name#fr`). */
export interface GrantedClaims {
  /** For the access token. */
  access_token?: string[];
  /** For the ID token. */
  id_token?: string[];
  /** For `UserInfo`. */
  userinfo?: string[];
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

/** What an interaction is about. */
export type Kind = "authorization" | "device" | "ciba" | "logout";

/** Facts of a logout. */
export interface LogoutInfo {
  /** Clients with which the session was used. */
  clients: string[];
  /** Whether a valid `id_token_hint` of this browser's session came along. */
  hint_verified: boolean;
  /** `rp` when a client asked, `op` when the operator or user did. */
  initiator: string;
  /** Whether the browser returns to the client in the end. */
  post_logout_redirect: boolean;
}

/** What a logout does. */
export interface LogoutResult {
  /** Messages to clients. */
  backchannel: Backchannel;
  /** Headless front door only: cookies to clear. */
  clear_cookies?: string[];
  /** Pages to load in hidden frames. */
  frontchannel: string[];
}

/** How far a logout reaches. */
export type LogoutScope = "client" | "session" | "subject";

/** Offline access. */
export interface Offline {
  /** It may have it. */
  allowed: boolean;
  /** The client asked for `offline_access`. */
  requested: boolean;
}

/** How it ended. */
export type Outcome = "success" | "error";

/** An error of the interaction API. */
export interface Problem {
  /** `interaction_expired`: whose request it was. */
  client?: ClientInfo;
  /** Stable, `snake_case`; programs decide by it. */
  code: string;
  /** `step_conflict`, `step_ahead`: where the interaction is now. */
  current_step?: number;
  /** `step_conflict`, `type_mismatch`: what it asks now. */
  current_type?: string;
  /** What went wrong this time. */
  detail?: string;
  /** What is wrong with the body, member by member. */
  errors?: FieldError[];
  /** When the thing expired, where it did. */
  expired_at?: Instant;
  /** The resource it is about. */
  instance?: string;
  /** `interaction_expired`: where the user can start again. */
  restart_uri?: string;
  /** The HTTP status. */
  status: number;
  /** A short summary of the kind. */
  title: string;
  /** Finds the server's log line. */
  trace_id?: string;
  /** Identifies the kind of problem. */
  type: string;
}

/** The envelope of every prompt. */
export type Prompt = PromptEnvelope & PromptSection;

/** What every one of them has. */
export interface PromptEnvelope {
  /** Facts of a backchannel request, on every prompt of that kind. */
  ciba?: CibaInfo;
  /** Who asks. */
  client?: ClientInfo;
  /** When the interaction was opened. */
  created_at: Instant;
  /** Scratch state that the app stored with the interaction. */
  data?: {
    [k: string]: unknown;
  };
  /** Facts of a device request, on every prompt of that kind. */
  device?: DeviceInfo;
  /** When it dies if nothing happens before. */
  expires_at: Instant;
  /** Id of the interaction, `ia_…`. */
  id: string;
  /** The issuer identifier of the server. */
  issuer: string;
  /** What it is about. */
  kind: Kind;
  /** Facts of a logout, on every prompt of that kind. */
  logout?: LogoutInfo;
  /** What was asked. */
  request?: RequestInfo;
  /** The session of the user in this browser. */
  session?: SessionInfo;
  /** Starts at 1 and grows by 1 with every accepted answer. */
  step: number;
  /** The tenant, where there is more than one. */
  tenant?: string;
  /** How the pages shall look and speak. */
  ui: UiHints;
}

/** What only one `type` has. */
export type PromptSection =
  | {
      type: "user_code";
      /** The section. */
      user_code: UserCodePrompt;
    }
  | {
      /** The section. */
      confirm: ConfirmPrompt;
      type: "confirm";
    }
  | {
      /** The section. */
      auth: AuthPrompt;
      type: "auth";
    }
  | {
      /** The section. */
      consent: ConsentPrompt;
      type: "consent";
    }
  | {
      /** The section. */
      custom: CustomPrompt;
      type: "custom";
    }
  | {
      /** The section. */
      response: ResponsePrompt;
      type: "response";
    }
  | {
      /** The section. */
      error: ErrorPrompt;
      type: "error";
    };

/** An internal reason. */
export interface Reason {
  /** A short name. */
  code: string;
  /** More about it. */
  detail?: string;
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

/** Whether, and how long, a consent is remembered. */
export interface Remember {
  /** Seconds, with `for`. */
  lifetime?: number;
  /** Always, for a time, never. */
  mode: RememberMode;
}

/** Whether a consent is remembered. */
export type RememberMode = "always" | "for" | "never";

/** A remembered consent. */
export interface Remembered {
  /** Its id, `cns_…`. */
  consent_id: string;
  /** When it was given or last widened. */
  granted_at: Instant;
  /** What it covers. */
  scope: string[];
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

/** Finish. */
export interface ResponsePrompt {
  /** Where the browser goes. */
  delivery: Delivery;
  /** The OAuth error code. */
  error?: string;
  /** Its description. */
  error_description?: string;
  /** Logout: what is to be done. */
  logout?: LogoutResult;
  /** Success or error. */
  outcome: Outcome;
  /** Headless front door only: the session cookie to set. */
  session?: ResponseSession;
  /** What was granted. */
  summary?: Summary;
}

/** The session cookie that a headless UI sets. */
export interface ResponseSession {
  /** The cookie. */
  cookie?: SessionCookie;
  /** Id of the session. */
  id: string;
}

/** When a refresh token is replaced by its successor. */
export type Rotation = "never" | "always" | "auto";

/** A requested scope value. */
export interface ScopeItem {
  /** Description in the user's language. */
  description?: string;
  /** Cannot be declined (`openid`). */
  required?: boolean;
  /** Resources it belongs to. */
  resources?: string[];
  /** New or granted before. */
  status: Status;
  /** Title in the user's language. */
  title?: string;
  /** The value. */
  value: string;
}

/** Whether a token is bound to a key of its holder. */
export type SenderConstraint = "none" | "if_presented" | "required";

/** What becomes of the session. */
export type SessionAction = "create" | "reuse" | "none";

/** Session settings; all durations in seconds. */
export interface SessionAnswer {
  /** Create, reuse or none. */
  action?: SessionAction;
  /** How long this authentication satisfies ordinary requests. */
  auth_life?: number;
  /** Claims that the login already knows. */
  claims?: {
    [k: string]: unknown;
  };
  /** Opaque data, shown again in prompts. */
  data?: {
    [k: string]: unknown;
  };
  /** Which one to reuse; one of this interaction's own browser sessions. */
  id?: string;
  /** Limit without use. */
  max_idle?: number;
  /** Absolute limit. */
  max_life?: number;
  /** Whether it outlives the browser ("keep me signed in"). */
  persistent?: boolean;
}

/** A cookie. */
export interface SessionCookie {
  /** Lifetime in seconds; absent for a cookie of the browser session. */
  max_age?: number;
  /** Name. */
  name: string;
  /** Value: the handle, a credential. */
  value: string;
}

/** A session of a user with the server. */
export interface SessionInfo {
  /** Authentication context class reference. */
  acr?: string;
  /** Authentication methods. */
  amr?: string[];
  /** When the user last authenticated. */
  authenticated_at: Instant;
  /** When it began. */
  created_at?: Instant;
  /** Opaque data of the login app. */
  data?: {
    [k: string]: unknown;
  };
  /** When it ends at the latest. */
  expires_at?: Instant;
  /** Id, `ses_…`; not a credential. */
  id: string;
  /** When it was last used, within a minute. */
  last_used_at?: Instant;
  /** The user. */
  sub: string;
}

/** Whether something was granted before. */
export type Status = "new" | "granted";

/** Which subject identifier a token shows. */
export type SubType = "public" | "pairwise";

/** What was granted. */
export interface Summary {
  /** The authorization, `az_…`; absent until it takes effect. */
  authorization_id?: string;
  /** Granted scope values. */
  scope: string[];
  /** The user. */
  sub: string;
}

/** Where what is known of a token lies. */
export type Tokens = "stored" | "stateless";

/** How the pages shall look and speak. */
export interface UiHints {
  /** `page`, `popup`, `touch` or `wap`. */
  display?: string;
  /** `domain_hint`. */
  domain_hint?: string;
  /** `ui_locales`, in order of preference. */
  locales: string[];
  /** `login_hint`. */
  login_hint?: string;
  /** `signup` when the request asked for `prompt=create`. */
  screen?: string;
}

/** Ask for a user code. */
export interface UserCodePrompt {
  /** Attempts left before the interaction ends. */
  attempts_left: number;
}

/** Preset values for `UserInfo`. */
export interface UserinfoSettings {
  /** Claim values. */
  claims?: {
    [k: string]: unknown;
  };
}
