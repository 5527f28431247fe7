//! Several statements as one: what uses an artefact up, and what is recorded if it did. They take one way to the database and
//! back, and the database commits them by itself.

use std::fmt::Write as _;

/// What makes a statement depend on the first one.
const IF_DECIDED: &str = "EXISTS (SELECT 1 FROM decided)";

/// One statement of an update and of those that are run if it touches a row, which gives the number of rows that it touched.
/// The tenant stays `$1`; the other parameters follow each other.
pub(super) fn compose(parts: &[&str]) -> String {
    let mut sql = String::new();
    let mut used = 0;
    for (place, part) in parts.iter().enumerate() {
        let _ = match place {
            0 => write!(sql, "WITH decided AS ("),
            _ => write!(sql, ", then{place} AS ("),
        };
        let part = if place == 0 { format!("{part} RETURNING 1") } else { depending(part) };
        used += renumber(&part, used, &mut sql);
        sql.push(')');
    }
    sql.push_str(" SELECT count(*) FROM decided");
    sql
}

/// The same statement, run only if the first one touched a row.
fn depending(part: &str) -> String {
    match part.split_once(" VALUES (") {
        Some((head, values)) => {
            let values = values.strip_suffix(')').unwrap_or(values);
            format!("{head} SELECT {values} WHERE {IF_DECIDED}")
        }
        None => format!("{part} AND {IF_DECIDED}"),
    }
}

/// Writes a statement with its parameters from `$2` on moved by so many places; gives how many of them it has.
fn renumber(part: &str, by: usize, sql: &mut String) -> usize {
    let mut most = 1;
    let mut pieces = part.split('$');
    sql.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(digits);
        let number: usize = number.parse().unwrap_or_default();
        most = most.max(number);
        let _ = write!(sql, "${}{rest}", if number > 1 { number + by } else { number });
    }
    most - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_alone_counts_the_rows_that_it_touched() {
        assert_eq!(
            compose(&["UPDATE codes SET redeemed_at = $3 WHERE tenant = $1 AND digest = $2"]),
            "WITH decided AS (UPDATE codes SET redeemed_at = $3 WHERE tenant = $1 AND digest = $2 RETURNING 1) \
             SELECT count(*) FROM decided"
        );
    }

    #[test]
    fn what_follows_depends_on_it_and_has_parameters_of_its_own() {
        assert_eq!(
            compose(&[
                "UPDATE a SET x = $3 WHERE tenant = $1 AND id = $2",
                "INSERT INTO b (tenant, id, y) VALUES ($1, $2, $3)",
                "UPDATE c SET z = $3 WHERE tenant = $1 AND id = $2",
            ]),
            "WITH decided AS (UPDATE a SET x = $3 WHERE tenant = $1 AND id = $2 RETURNING 1), \
             then1 AS (INSERT INTO b (tenant, id, y) SELECT $1, $4, $5 WHERE EXISTS (SELECT 1 FROM decided)), \
             then2 AS (UPDATE c SET z = $7 WHERE tenant = $1 AND id = $6 AND EXISTS (SELECT 1 FROM decided)) \
             SELECT count(*) FROM decided"
        );
    }
}
