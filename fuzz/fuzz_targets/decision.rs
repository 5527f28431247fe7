//! Answers of policies: what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_sdk::decision::{Decision, DecisionRequest, MAX_DEPTH, judge, strict_json};
use serde_json::Value;

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fuzz_target!(|parts: (&[u8], &[u8])| {
    let (answer, request) = parts;
    if let Ok(value) = strict_json(answer) {
        assert!(depth(&value) <= MAX_DEPTH);
        assert_eq!(serde_json::from_slice::<Value>(answer).expect("strict JSON is JSON"), value);
    }
    let Ok(decision) = Decision::read(answer) else { return };
    let written = serde_json::to_vec(&decision).expect("an answer is JSON");
    assert_eq!(Decision::read(&written).expect("what was written is sound"), decision);
    if let Ok(request) = serde_json::from_slice::<DecisionRequest>(request) {
        let _ = judge(&request, &decision, &[]);
    }
});
