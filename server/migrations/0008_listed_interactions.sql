-- Whom an interaction without a browser waits for, so that it is found by its user; none if nobody is waited for.
ALTER TABLE interactions ADD COLUMN sub TEXT COLLATE "C";
CREATE INDEX interactions_subject ON interactions (tenant, sub, id) WHERE sub IS NOT NULL;
