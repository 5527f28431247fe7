-- The clients that a session was used with: whom its end concerns. An authorization may be over long before the session
-- is in which it was granted.
CREATE TABLE session_clients (
    tenant TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, session_id, client_id)
);
CREATE INDEX session_clients_expiry ON session_clients (tenant, expires_at);

INSERT INTO session_clients (tenant, session_id, client_id, expires_at)
SELECT DISTINCT a.tenant, a.session_id, a.client_id, s.expires_at
FROM authorizations a JOIN sessions s ON s.tenant = a.tenant AND s.id = a.session_id
WHERE a.revoked_at IS NULL AND s.ended_at IS NULL;
