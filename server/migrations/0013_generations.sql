-- Authorizations whose tokens carry everything themselves, and what their revocation leaves behind: a mark by the name of
-- what was revoked, which gets its number once it is committed, so that numbers are an order and revocations never wait for
-- each other. Tokens carry the newest number that their issuer knew of.

ALTER TABLE authorizations ADD COLUMN self_contained BIGINT NOT NULL DEFAULT 0;

-- An era ends with the revocation of everything of everybody.
CREATE TABLE generations (
    tenant TEXT COLLATE "C" NOT NULL,
    era TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);

CREATE TABLE generation_marks (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    number BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX generation_marks_number ON generation_marks (tenant, number);
CREATE INDEX generation_marks_expiry ON generation_marks (tenant, expires_at);
