-- How often something changed that processes may keep in memory: they compare it with what they heard of. The number is
-- raised last in a transaction, so its order is the order of the commits.

CREATE TABLE changes (
    tenant TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);
