-- Copies of a row of each kind, with ids and digests of their own; for psql, with the variable `rows`.
INSERT INTO clients SELECT (jsonb_populate_record(original, jsonb_build_object(
  'client_id', 'grown-' || n))).*
FROM (SELECT clients AS original FROM clients LIMIT 1) one, generate_series(1, :rows) n;

INSERT INTO sessions SELECT (jsonb_populate_record(original, jsonb_build_object(
  'id', 'ses_grown_' || n, 'handle', '\x' || encode(sha256(int8send(n)), 'hex'), 'sub', 'grown-' || n))).*
FROM (SELECT sessions AS original FROM sessions LIMIT 1) one, generate_series(1, :rows) n;

INSERT INTO authorizations SELECT (jsonb_populate_record(original, jsonb_build_object(
  'id', 'az_grown_' || n, 'sub', 'grown-' || n))).*
FROM (SELECT authorizations AS original FROM authorizations LIMIT 1) one, generate_series(1, :rows) n;

INSERT INTO families SELECT (jsonb_populate_record(original, jsonb_build_object(
  'id', 'fam_grown_' || n, 'authorization_id', 'az_grown_' || n, 'current_digest', '\x' || encode(sha256(int8send(n)), 'hex')))).*
FROM (SELECT families AS original FROM families LIMIT 1) one, generate_series(1, :rows) n;

INSERT INTO tokens SELECT (jsonb_populate_record(original, jsonb_build_object(
  'digest', '\x' || encode(sha256(int8send(n)), 'hex')))).*
FROM (SELECT tokens AS original FROM tokens LIMIT 1) one, generate_series(1, :rows) n;
