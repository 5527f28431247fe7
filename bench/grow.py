"""Copies of a row of each kind in a SQLite file, with ids and digests of their own: what grow.sql does in PostgreSQL.

usage: grow.py FILE ROWS
"""

import hashlib
import sqlite3
import sys

OWN = {
    "clients": {"client_id": "'grown-' || n"},
    "sessions": {"id": "'ses_grown_' || n", "handle": "digest(n)", "sub": "'grown-' || n"},
    "authorizations": {"id": "'az_grown_' || n", "sub": "'grown-' || n"},
    "families": {
        "id": "'fam_grown_' || n",
        "authorization_id": "'az_grown_' || n",
        "current_digest": "digest(n)",
    },
    "tokens": {"digest": "digest(n)"},
}


def main() -> None:
    file, rows = sys.argv[1], int(sys.argv[2])
    with sqlite3.connect(file) as connection:
        connection.create_function("digest", 1, lambda n: hashlib.sha256(n.to_bytes(8, "big")).digest())
        for table, own in OWN.items():
            columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(own.get(column, column) for column in columns)
            connection.execute(
                f"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?) "
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {values} FROM (SELECT * FROM {table} LIMIT 1), numbers",
                (rows,),
            )


if __name__ == "__main__":
    main()
