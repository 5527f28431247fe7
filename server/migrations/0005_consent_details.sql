-- Authorization details (RFC 9396) that were granted: a JSON array of texts, each a detail. What a program of the
-- version before remembers has none.
ALTER TABLE consents ADD COLUMN details TEXT NOT NULL DEFAULT '[]';
