-- Whether the family of an authorization whose tokens carry everything themselves has begun: it does so once, also when its row
-- is deleted long before its first token would be over, because a policy let it end sooner.

ALTER TABLE authorizations ADD COLUMN begun BIGINT NOT NULL DEFAULT 0;
