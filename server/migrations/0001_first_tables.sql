-- One text for PostgreSQL and SQLite. For SQLite the types BYTEA and BIGSERIAL and the collation are replaced
-- (see src/store/embedded/schema.rs). Ids are compared byte by byte, so that pages come in one order everywhere.
-- Every row carries its tenant. Nothing refers to anything by a foreign key: rows die by their own `expires_at`.

CREATE TABLE clients (
    tenant TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    doc TEXT NOT NULL,
    secret_digest BYTEA,
    registration_digest BYTEA,
    created_at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (tenant, client_id)
);

CREATE TABLE interactions (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    ui TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX interactions_expiry ON interactions (tenant, expires_at);

CREATE TABLE sessions (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    handle BYTEA NOT NULL,
    sub TEXT COLLATE "C" NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    idle_seconds BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, handle)
);
CREATE INDEX sessions_subject ON sessions (tenant, sub, id);
CREATE INDEX sessions_expiry ON sessions (tenant, expires_at);
CREATE INDEX sessions_end ON sessions (tenant, ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE consents (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    sub TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    scope TEXT NOT NULL,
    claims TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, sub, client_id, resource)
);
CREATE INDEX consents_subject ON consents (tenant, sub, id);
CREATE INDEX consents_client ON consents (tenant, client_id);
CREATE INDEX consents_expiry ON consents (tenant, expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE authorizations (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    sub TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C",
    consent_id TEXT COLLATE "C",
    offline BIGINT NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX authorizations_subject ON authorizations (tenant, sub, id);
CREATE INDEX authorizations_client ON authorizations (tenant, client_id);
CREATE INDEX authorizations_session ON authorizations (tenant, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX authorizations_consent ON authorizations (tenant, consent_id) WHERE consent_id IS NOT NULL;
CREATE INDEX authorizations_expiry ON authorizations (tenant, expires_at);

CREATE TABLE codes (
    tenant TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    authorization_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    doc TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    redeemed_at BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX codes_expiry ON codes (tenant, expires_at);

CREATE TABLE tokens (
    tenant TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    authorization_id TEXT COLLATE "C",
    client_id TEXT COLLATE "C" NOT NULL,
    doc TEXT NOT NULL,
    single_use BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX tokens_expiry ON tokens (tenant, expires_at);
-- The others die with their authorization.
CREATE INDEX tokens_client ON tokens (tenant, client_id) WHERE authorization_id IS NULL;

CREATE TABLE families (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    authorization_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    current_digest BYTEA NOT NULL,
    parent_digest BYTEA,
    salt BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    rotated_at BIGINT NOT NULL,
    used BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    idle_seconds BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX families_expiry ON families (tenant, expires_at);

CREATE TABLE revoked_jtis (
    tenant TEXT COLLATE "C" NOT NULL,
    jti TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, jti)
);
CREATE INDEX revoked_jtis_expiry ON revoked_jtis (tenant, expires_at);

CREATE TABLE key_sets (
    tenant TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);

CREATE TABLE signing_keys (
    tenant TEXT COLLATE "C" NOT NULL,
    kid TEXT COLLATE "C" NOT NULL,
    alg TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (tenant, kid)
);

-- A row of generation 0 says nothing: it only orders the steps that concern its subject.
CREATE TABLE subjects (
    tenant TEXT COLLATE "C" NOT NULL,
    sub TEXT COLLATE "C" NOT NULL,
    disabled_at BIGINT,
    generation BIGINT NOT NULL,
    held_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, sub)
);
CREATE INDEX subjects_held ON subjects (tenant, held_at) WHERE generation = 0;

-- What may be used once. Ids come from strangers, so only their digests are kept.
CREATE TABLE used_once (
    tenant TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, digest)
);
CREATE INDEX used_once_expiry ON used_once (tenant, expires_at);

CREATE TABLE replies (
    tenant TEXT COLLATE "C" NOT NULL,
    caller BYTEA NOT NULL,
    request BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, caller)
);
CREATE INDEX replies_expiry ON replies (tenant, expires_at);

-- Facts to be delivered. `seq` gives an order of writing, not of commit.
CREATE TABLE outbox (
    seq BIGSERIAL PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    event_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (tenant, id)
);
CREATE INDEX outbox_age ON outbox (tenant, at);
