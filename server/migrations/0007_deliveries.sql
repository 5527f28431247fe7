-- What has to reach others. A row is written in the transaction of the fact that they learn, and goes when it was
-- delivered. `next_at` is when the next attempt is due; while `leased` is 1, until when the one under way may take.
CREATE TABLE deliveries (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    payload BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    leased BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    dead_at BIGINT,
    reason TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX deliveries_due ON deliveries (tenant, destination, next_at) WHERE dead_at IS NULL;
CREATE INDEX deliveries_leased ON deliveries (tenant, destination, next_at) WHERE leased = 1;
CREATE INDEX deliveries_dead ON deliveries (tenant, dead_at) WHERE dead_at IS NOT NULL;
