//! The table of operations.

use std::collections::BTreeMap;

/// What a body is.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// A type of the contract, by name.
    Type(&'static str),
    /// Scratch state of a login app.
    Scratch,
    /// The OpenAPI description.
    Description,
}

/// The answer to a request that was carried out.
#[derive(Clone, Copy, Debug)]
pub struct Success {
    /// The status.
    pub status: u16,
    /// What it means.
    pub description: &'static str,
    /// Its body.
    pub body: Option<Body>,
    /// Its headers beside those that every answer has.
    pub headers: &'static [&'static str],
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The path under `/ui/v1`.
    pub path: &'static str,
    /// The method in lower case.
    pub method: &'static str,
    /// Its name for programs.
    pub id: &'static str,
    /// The group it belongs to.
    pub tag: &'static str,
    /// A line.
    pub summary: &'static str,
    /// More.
    pub description: &'static str,
    /// Names of its parameters.
    pub parameters: &'static [&'static str],
    /// Its body.
    pub body: Option<Body>,
    /// What it answers when all is well.
    pub success: Success,
    /// What else it may answer, beside what follows from having a body and needing a token.
    pub refusals: &'static [(u16, &'static str)],
    /// Whether it needs no token.
    pub open: bool,
}

impl Operation {
    /// Every problem it may answer with: the codes by status.
    pub fn problems(&self) -> BTreeMap<u16, Vec<&'static str>> {
        const BODY: [(u16, &str); 3] =
            [(413, "payload_too_large"), (415, "unsupported_media_type"), (422, "invalid_answer")];
        const TOKEN: [(u16, &str); 2] = [(401, "unauthorized"), (503, "unavailable")];
        let of_body: &[(u16, &str)] = if self.body.is_some() { &BODY } else { &[] };
        let of_token: &[(u16, &str)] = if self.open { &[] } else { &TOKEN };
        let mut problems: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for &(status, code) in of_body.iter().chain(of_token).chain(self.refusals) {
            problems.entry(status).or_default().push(code);
        }
        problems
    }
}

const fn ok(description: &'static str, body: &'static str) -> Success {
    Success { status: 200, description, body: Some(Body::Type(body)), headers: &[] }
}

const fn done(status: u16, description: &'static str) -> Success {
    Success { status, description, body: None, headers: &[] }
}

/// What all operations on an interaction may answer.
const GONE: [(u16, &str); 2] = [(404, "interaction_not_found"), (410, "interaction_expired")];
const LIST: [(u16, &str); 2] = [(400, "invalid_request"), (403, "capability_missing")];
const ONE: [(u16, &str); 2] = [(403, "capability_missing"), (404, "not_found")];

/// Every operation of the interaction API.
pub const OPERATIONS: [Operation; 17] = [
    Operation {
        path: "/interactions",
        method: "post",
        id: "openInteraction",
        tag: "interactions",
        summary: "Open an interaction (headless front door)",
        description: "For apps whose registration says `front_door = \"headless\"`: the app is the authorization \
            endpoint. It passes the browser's raw request on untouched, with the session handles of the browser's \
            cookies and a binding: a secret of this browser, which comes again with every answer. A request that cannot \
            be carried out is answered 201 as well, with a prompt of type `response` or `error`.",
        parameters: &["Idempotency-Key"],
        body: Some(Body::Type("Open")),
        success: Success {
            status: 201,
            description: "Opened: the first prompt",
            body: Some(Body::Type("Prompt")),
            headers: &["Location"],
        },
        refusals: &[
            (400, "invalid_request"),
            (403, "capability_missing"),
            (422, "idempotency_conflict"),
            (503, "policy_unavailable"),
        ],
        open: false,
    },
    Operation {
        path: "/interactions",
        method: "get",
        id: "listInteractions",
        tag: "interactions",
        summary: "List interactions that no browser carries",
        description: "How an authenticator back end finds what is waiting for its users.",
        parameters: &["kind"],
        body: None,
        success: ok("The prompts that wait", "PageOfPrompt"),
        refusals: &[(400, "invalid_request")],
        open: false,
    },
    Operation {
        path: "/interactions/{interaction}",
        method: "get",
        id: "currentPrompt",
        tag: "interactions",
        summary: "Read the current prompt",
        description: "Safe to repeat: nothing changes, and the answer stays the same until a step is answered.",
        parameters: &["interaction"],
        body: None,
        success: ok("The current prompt", "Prompt"),
        refusals: &GONE,
        open: false,
    },
    Operation {
        path: "/interactions/{interaction}",
        method: "delete",
        id: "abandonInteraction",
        tag: "interactions",
        summary: "Abandon an interaction silently",
        description: "The client gets no response. To send the user back with an error, answer with `deny` instead.",
        parameters: &["interaction"],
        body: None,
        success: done(204, "Abandoned"),
        refusals: &GONE,
        open: false,
    },
    Operation {
        path: "/interactions/{interaction}/steps/{step}",
        method: "put",
        id: "answerPrompt",
        tag: "interactions",
        summary: "Answer the prompt of a step",
        description: "The answer's `type` is that of the prompt, or `deny`. Sending the same body again gives the same \
            prompt with `Placet-Replayed: true`; another body for a step that has been answered is a conflict. An `auth` \
            answer that falls short of the demand gets another `auth` prompt with the reason `answer_insufficient`.",
        parameters: &["interaction", "step", "Placet-Browser-Binding"],
        body: Some(Body::Type("Answer")),
        success: Success {
            status: 200,
            description: "Accepted: the next prompt",
            body: Some(Body::Type("Prompt")),
            headers: &["Placet-Replayed"],
        },
        refusals: &[
            (403, "binding_mismatch"),
            (403, "capability_missing"),
            GONE[0],
            (409, "step_conflict"),
            (409, "step_ahead"),
            GONE[1],
            (422, "type_mismatch"),
            (429, "too_many_requests"),
            (503, "policy_unavailable"),
        ],
        open: false,
    },
    Operation {
        path: "/interactions/{interaction}/data",
        method: "get",
        id: "readScratch",
        tag: "interactions",
        summary: "Read the app's scratch state",
        description: "An empty object, as long as none was stored.",
        parameters: &["interaction"],
        body: None,
        success: Success { status: 200, description: "The state", body: Some(Body::Scratch), headers: &[] },
        refusals: &GONE,
        open: false,
    },
    Operation {
        path: "/interactions/{interaction}/data",
        method: "put",
        id: "writeScratch",
        tag: "interactions",
        summary: "Store scratch state with the interaction",
        description: "Replaces what was there; prompts show it as `data`. It also extends the time that the interaction \
            may lie idle.",
        parameters: &["interaction", "Placet-Browser-Binding"],
        body: Some(Body::Scratch),
        success: done(204, "Stored"),
        refusals: &[(403, "binding_mismatch"), GONE[0], (409, "step_conflict"), GONE[1]],
        open: false,
    },
    Operation {
        path: "/sessions",
        method: "get",
        id: "listSessions",
        tag: "accounts",
        summary: "List the live sessions of a user",
        description: "Needs the capability `sessions`.",
        parameters: &["sub", "cursor"],
        body: None,
        success: ok("A page of sessions", "PageOfSessionInfo"),
        refusals: &LIST,
        open: false,
    },
    Operation {
        path: "/sessions/{session}",
        method: "get",
        id: "readSession",
        tag: "accounts",
        summary: "Read a session",
        description: "Needs the capability `sessions`.",
        parameters: &["session"],
        body: None,
        success: ok("The session", "SessionInfo"),
        refusals: &ONE,
        open: false,
    },
    Operation {
        path: "/sessions/{session}",
        method: "delete",
        id: "endSession",
        tag: "accounts",
        summary: "End a session",
        description: "Needs the capability `sessions`. The browser has to sign in again.",
        parameters: &["session"],
        body: None,
        success: done(204, "Ended"),
        refusals: &ONE,
        open: false,
    },
    Operation {
        path: "/consents",
        method: "get",
        id: "listConsents",
        tag: "accounts",
        summary: "List the remembered consents of a user",
        description: "Needs the capability `authorizations`. There is one per user, client and resource.",
        parameters: &["sub", "cursor"],
        body: None,
        success: ok("A page of consents", "PageOfConsentInfo"),
        refusals: &LIST,
        open: false,
    },
    Operation {
        path: "/consents/{consent}",
        method: "delete",
        id: "withdrawConsent",
        tag: "accounts",
        summary: "Withdraw a consent",
        description: "Needs the capability `authorizations`. Every authorization granted under it ends, with its tokens.",
        parameters: &["consent"],
        body: None,
        success: done(204, "Withdrawn"),
        refusals: &ONE,
        open: false,
    },
    Operation {
        path: "/authorizations",
        method: "get",
        id: "listAuthorizations",
        tag: "accounts",
        summary: "List the authorizations of a user",
        description: "Needs the capability `authorizations`. There is one per grant; it owns the tokens.",
        parameters: &["sub", "cursor"],
        body: None,
        success: ok("A page of authorizations", "PageOfAuthorizationInfo"),
        refusals: &LIST,
        open: false,
    },
    Operation {
        path: "/authorizations/{authorization}",
        method: "delete",
        id: "revokeAuthorization",
        tag: "accounts",
        summary: "Revoke an authorization and its tokens",
        description: "Needs the capability `authorizations`.",
        parameters: &["authorization"],
        body: None,
        success: done(204, "Revoked"),
        refusals: &ONE,
        open: false,
    },
    Operation {
        path: "/grants",
        method: "post",
        id: "grantDirectly",
        tag: "facts",
        summary: "Issue tokens without a browser",
        description: "For brokers and migrations: needs the capability `direct_grant` and a client that the app's \
            registration lists. Exactly one of `session` and `sub` names the user.",
        parameters: &[],
        body: Some(Body::Type("DirectGrant")),
        success: ok("The tokens", "DirectGrantTokens"),
        refusals: &[
            (403, "capability_missing"),
            (403, "account_disabled"),
            (403, "policy_denied"),
            (503, "policy_unavailable"),
        ],
        open: false,
    },
    Operation {
        path: "/reports",
        method: "post",
        id: "reportFact",
        tag: "facts",
        summary: "Report a fact that the server cannot see",
        description: "Needs the capability `report`. The fact is in effect when the answer comes.",
        parameters: &[],
        body: Some(Body::Type("Report")),
        success: done(202, "Taken"),
        refusals: &[(403, "capability_missing")],
        open: false,
    },
    Operation {
        path: "/openapi.json",
        method: "get",
        id: "description",
        tag: "description",
        summary: "Read this description",
        description: "The only resource that needs no token.",
        parameters: &[],
        body: None,
        success: Success {
            status: 200,
            description: "This document",
            body: Some(Body::Description),
            headers: &[],
        },
        refusals: &[],
        open: true,
    },
];
