-- Makes what the scripts use of a row of each kind that the server made: for psql, with the variables `codes` and `families`.
-- Digests and ids are numbers here, since those are what pgbench can count with.
INSERT INTO families SELECT (jsonb_populate_record(original, jsonb_build_object(
  'id', 1000000000000000000 + n, 'current_digest', (2000000000000000001 + n * 10000000)::text, 'used', 0,
  'expires_at', 1900000000))).*
FROM (SELECT families AS original FROM families LIMIT 1) one, generate_series(0, :families - 1) n;

INSERT INTO codes SELECT (jsonb_populate_record(original, jsonb_build_object(
  'digest', (3000000000000000000 + n)::text, 'redeemed_at', NULL, 'expires_at', 1900000000))).*
FROM (SELECT codes AS original FROM codes LIMIT 1) one, generate_series(1, :codes) n;
