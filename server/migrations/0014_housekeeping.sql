-- Who deletes what is dead: one worker at a time, which has to say so again before `ends_at`. And the latest time that it
-- stood at then: a server whose clock is behind that after a restart gives nothing more life.

CREATE TABLE housekeeping (
    tenant TEXT COLLATE "C" NOT NULL,
    worker TEXT COLLATE "C" NOT NULL,
    ends_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);
