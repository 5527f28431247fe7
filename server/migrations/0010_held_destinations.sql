-- Destinations that nothing is delivered to for now: what is for them waits.
CREATE TABLE held_destinations (
    tenant TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    held_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, destination)
);
