-- A redemption, as the server does it: each takes a code of its own, which becomes a family of refresh tokens.
\set n :n + 1
\set code 3000000000000000000 + :n * 16 + :client_id
\set family 4000000000000000000 + :n * 16 + :client_id
\set before 1000000000
\set now 1900000000

SELECT c.digest, c.authorization_id, c.client_id, c.doc, c.created_at, c.expires_at, c.redeemed_at,
    a.id, a.client_id, a.sub, a.session_id, a.consent_id, a.offline, a.doc, a.created_at, a.expires_at, a.revoked_at, a.self_contained
  FROM codes c JOIN authorizations a ON a.tenant = c.tenant AND a.id = c.authorization_id
  WHERE c.tenant = :tenant AND c.digest = :code;

WITH decided AS (
  UPDATE codes SET redeemed_at = :before
  WHERE tenant = :tenant AND digest = :code AND redeemed_at IS NULL AND expires_at > :before
    AND EXISTS (SELECT 1 FROM authorizations a WHERE a.tenant = :tenant AND a.id = codes.authorization_id
      AND a.revoked_at IS NULL AND a.expires_at > :before
      AND NOT EXISTS (SELECT 1 FROM subjects s WHERE s.tenant = :tenant AND s.sub = a.sub AND s.disabled_at IS NOT NULL))
  RETURNING 1),
then1 AS (
  INSERT INTO families (tenant, id, authorization_id, client_id, generation, current_digest, parent_digest, salt, key_id,
    rotated_at, used, last_used_at, idle_seconds, created_at, expires_at, bound)
  SELECT :tenant, :family, :code, :tenant, :client_id, :code, :code, :code, :tenant,
    :now, :client_id, :now, :now, :now, :now, :tenant
  WHERE EXISTS (SELECT 1 FROM decided))
SELECT count(*) FROM decided;
