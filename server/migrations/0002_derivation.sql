-- What authorizations were derived from, so that they die with it. Both tables die with the derived authorization,
-- which ends no later than anything it was derived from.

-- `parent` is the id of an authorization (`az_…`), an access token (`jti:…` or, if opaque, `token:` and its digest),
-- or a registered client (`client:…`).
CREATE TABLE lineage (
    tenant TEXT COLLATE "C" NOT NULL,
    parent TEXT COLLATE "C" NOT NULL,
    child TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, child, parent)
);
CREATE INDEX lineage_parent ON lineage (tenant, parent);
CREATE INDEX lineage_expiry ON lineage (tenant, expires_at);

-- Subjects that take part in an authorization besides its own: those who act.
CREATE TABLE authorization_actors (
    tenant TEXT COLLATE "C" NOT NULL,
    authorization_id TEXT COLLATE "C" NOT NULL,
    sub TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, authorization_id, sub)
);
CREATE INDEX authorization_actors_subject ON authorization_actors (tenant, sub);
CREATE INDEX authorization_actors_expiry ON authorization_actors (tenant, expires_at);
