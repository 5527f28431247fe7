-- Revocations of everything of a client, for its tokens of which nothing is stored: each of those carries the number of the
-- newest revocation that its issuer knew of, and is dead if that of its client is higher.

CREATE TABLE revocation_numbers (
    tenant TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);

-- A row with number 0 says nothing: it only orders the steps that concern its client.
CREATE TABLE revoked_clients (
    tenant TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, client_id)
);
CREATE INDEX revoked_clients_expiry ON revoked_clients (tenant, expires_at);
