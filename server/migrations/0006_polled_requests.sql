-- Requests that a client makes without a browser and then asks after at the token endpoint until somebody decided: those
-- of devices (RFC 8628). `poll_after` and `poll_interval` tell when it may ask again. `claimed_by` is the browser that
-- entered the user code. Once `decided_at` is set, there is either an authorization or a refusal.
CREATE TABLE polled_requests (
    tenant TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    kind TEXT NOT NULL,
    user_code BYTEA,
    client_id TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    poll_interval BIGINT NOT NULL,
    poll_after BIGINT NOT NULL,
    claimed_by TEXT COLLATE "C",
    decided_at BIGINT,
    authorization_id TEXT COLLATE "C",
    refusal TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    redeemed_at BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE UNIQUE INDEX polled_requests_user_code ON polled_requests (tenant, user_code) WHERE user_code IS NOT NULL;
CREATE INDEX polled_requests_expiry ON polled_requests (tenant, expires_at);
