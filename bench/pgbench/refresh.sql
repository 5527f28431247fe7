-- A refresh, as the server does it: each connection has a family of its own and moves it on.
\set n :n + 1
\set family 1000000000000000000 + :client_id
\set presented 2000000000000000000 + :client_id * 10000000 + :n
\set child :presented + 1
\set before 1000000000
\set now 1900000000

SELECT f.id, f.authorization_id, f.client_id, f.generation, f.current_digest, f.parent_digest, f.salt, f.key_id,
    f.rotated_at, f.used, f.last_used_at, f.idle_seconds, f.created_at, f.expires_at, f.bound,
    a.id, a.client_id, a.sub, a.session_id, a.consent_id, a.offline, a.doc, a.created_at, a.expires_at, a.revoked_at, a.self_contained
  FROM families f JOIN authorizations a ON a.tenant = f.tenant AND a.id = f.authorization_id
  WHERE f.tenant = :tenant AND f.id = :family;

WITH decided AS (
  UPDATE families SET generation = generation + 1, parent_digest = current_digest, current_digest = :child, salt = :child,
    key_id = :family, rotated_at = :now, used = 0, last_used_at = :now,
    expires_at = CASE WHEN expires_at > :now THEN :now ELSE expires_at END,
    idle_seconds = CASE WHEN idle_seconds IS NULL OR idle_seconds > :now THEN :now ELSE idle_seconds END
  WHERE tenant = :tenant AND id = :family AND current_digest = :presented AND expires_at > :before
    AND (idle_seconds IS NULL OR idle_seconds > :before - last_used_at)
    AND EXISTS (SELECT 1 FROM authorizations a WHERE a.tenant = :tenant AND a.id = families.authorization_id
      AND a.revoked_at IS NULL AND a.expires_at > :before
      AND NOT EXISTS (SELECT 1 FROM subjects s WHERE s.tenant = :tenant AND s.sub = a.sub AND s.disabled_at IS NOT NULL))
  RETURNING 1)
SELECT count(*) FROM decided;
