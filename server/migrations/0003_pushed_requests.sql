-- Authorization requests that clients pushed (RFC 9126). A row that was spent is deleted; that it was is remembered in
-- `used_once`, until the last interaction is over that it can have opened.
CREATE TABLE pushed_requests (
    tenant TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX pushed_requests_expiry ON pushed_requests (tenant, expires_at);
