// Keeps the state of oidc-provider in PostgreSQL: a row for each artefact, one prepared statement for each call.
import pg from 'pg';

const pool = new pg.Pool({ max: 8 });
const epoch = () => Math.floor(Date.now() / 1000);

/** Makes the table. */
export async function migrate() {
  await pool.query(`CREATE TABLE artefacts (
    kind text NOT NULL, id text NOT NULL, payload jsonb NOT NULL, grant_id text, uid text, user_code text,
    expires_at bigint, PRIMARY KEY (kind, id))`);
  await pool.query('CREATE INDEX artefacts_grant ON artefacts (grant_id) WHERE grant_id IS NOT NULL');
  await pool.query('CREATE INDEX artefacts_uid ON artefacts (kind, uid) WHERE uid IS NOT NULL');
}

export class PostgresAdapter {
  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload, expiresIn) {
    await pool.query({
      name: 'upsert',
      text: `INSERT INTO artefacts (kind, id, payload, grant_id, uid, user_code, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, id) DO UPDATE
        SET payload = excluded.payload, expires_at = excluded.expires_at`,
      values: [this.kind, id, payload, payload.grantId, payload.uid, payload.userCode, expiresIn && epoch() + expiresIn],
    });
  }

  async #one(name, column, value) {
    const { rows } = await pool.query({
      name,
      text: `SELECT payload FROM artefacts WHERE kind = $1 AND ${column} = $2 AND (expires_at IS NULL OR expires_at > $3)`,
      values: [this.kind, value, epoch()],
    });
    return rows[0]?.payload;
  }

  find(id) {
    return this.#one('find', 'id', id);
  }

  findByUid(uid) {
    return this.#one('find-uid', 'uid', uid);
  }

  findByUserCode(code) {
    return this.#one('find-user-code', 'user_code', code);
  }

  async consume(id) {
    await pool.query({
      name: 'consume',
      text: `UPDATE artefacts SET payload = jsonb_set(payload, '{consumed}', to_jsonb($3::bigint)) WHERE kind = $1 AND id = $2`,
      values: [this.kind, id, epoch()],
    });
  }

  async destroy(id) {
    await pool.query({
      name: 'destroy',
      text: 'DELETE FROM artefacts WHERE kind = $1 AND id = $2',
      values: [this.kind, id],
    });
  }

  async revokeByGrantId(grantId) {
    await pool.query({ name: 'revoke', text: 'DELETE FROM artefacts WHERE grant_id = $1', values: [grantId] });
  }
}
