//! What commands print.

pub(in crate::command) mod table;

use serde::Serialize;
use serde_json::Value;

use super::Done;

/// Prints an answer as JSON, or as `table` shows it to people.
pub(in crate::command) fn show(json: bool, answer: &impl Serialize, table: impl FnOnce()) -> Done {
    if json {
        return object(answer);
    }
    table();
    Ok(())
}

/// Prints an answer as JSON.
pub(super) fn object(answer: &impl Serialize) -> Done {
    println!("{}", serde_json::to_string_pretty(answer)?);
    Ok(())
}

/// A value in a cell of a table.
pub(in crate::command) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Null) | Err(_) => "-".to_owned(),
        Ok(other) => other.to_string(),
    }
}
