use super::*;

const NOW: i64 = 1_000;

fn fact(name: &str) -> Fact {
    Fact::client(name)
}

fn facts(names: &[&str]) -> Changed {
    Changed::Facts(names.iter().map(|name| fact(name)).collect())
}

/// Changes of many processes, of which this one has just heard everything.
fn shared(number: i64) -> Changes {
    let changes = Changes::new(false);
    changes.caught_up(number, (Instant::now(), NOW));
    changes
}

#[test]
fn what_was_read_before_a_change_counts_no_more_whenever_it_is_kept() {
    let changes = Changes::new(true);
    let before = changes.mark();
    changes.note(&facts(&["a"]));
    assert!(!changes.count(&[fact("a")], before, NOW));
    assert!(!changes.count(&[fact("b"), fact("a")], before, NOW));
    assert!(changes.count(&[fact("b")], before, NOW));
    assert!(changes.count(&[fact("a")], changes.mark(), NOW));
    changes.note(&Changed::Everything);
    assert!(!changes.count(&[fact("b")], before, NOW));
    changes.note(&Changed::Nothing);
    assert!(changes.count(&[fact("b")], changes.mark(), NOW));
}

#[test]
fn more_changes_than_are_remembered_leave_nothing_that_was_read_before() {
    let changes = Changes::new(true);
    let before = changes.mark();
    for n in 0..=MOST {
        changes.note(&facts(&[&n.to_string()]));
    }
    assert!(changes.read().facts.len() <= MOST);
    assert!(!changes.count(&[fact("untouched")], before, NOW));
}

#[test]
fn a_gap_in_what_is_heard_leaves_nothing_that_was_read_before() {
    let changes = shared(7);
    let before = changes.mark();
    changes.heard(8, &facts(&["a"]));
    assert!(changes.count(&[fact("b")], before, NOW));
    assert!(!changes.count(&[fact("a")], before, NOW));
    changes.heard(10, &facts(&["c"]));
    assert!(!changes.count(&[fact("b")], before, NOW));
}

#[test]
fn what_is_heard_twice_or_late_does_no_harm() {
    let changes = shared(7);
    for (number, name) in [(8, "a"), (8, "a"), (7, "b"), (9, "c")] {
        let before = changes.mark();
        changes.heard(number, &facts(&[name]));
        assert!(!changes.count(&[fact(name)], before, NOW), "{number} {name}");
        assert!(changes.count(&[fact("other")], before, NOW), "{number} {name}");
    }
}

#[test]
fn whoever_asks_and_finds_more_than_it_heard_of_forgets_what_it_read() {
    let changes = shared(7);
    let before = changes.mark();
    changes.caught_up(7, (Instant::now(), NOW));
    assert!(changes.count(&[fact("a")], before, NOW));
    changes.caught_up(8, (Instant::now(), NOW));
    assert!(!changes.count(&[fact("a")], before, NOW));
    assert!(changes.count(&[fact("a")], changes.mark(), NOW));
}

#[test]
fn nothing_counts_before_the_first_answer_nor_long_after_the_last_one() {
    let changes = Changes::new(false);
    assert!(!changes.count(&[fact("a")], changes.mark(), NOW));
    changes.heard(1, &facts(&["b"]));
    assert!(!changes.count(&[fact("a")], changes.mark(), NOW));
    changes.caught_up(1, (Instant::now(), NOW));
    let mark = changes.mark();
    assert!(changes.count(&[fact("a")], mark, NOW + ALIVE - 1));
    assert!(!changes.count(&[fact("a")], mark, NOW + ALIVE));
    assert!(!changes.count(&[fact("a")], mark, NOW - 1), "the clock went back");
}

#[tokio::test(start_paused = true)]
async fn nothing_counts_long_after_the_last_answer_though_the_clock_stands_still() {
    let changes = shared(1);
    let mark = changes.mark();
    tokio::time::advance(BEAT).await;
    assert!(changes.count(&[fact("a")], mark, NOW));
    tokio::time::advance(BEAT).await;
    assert!(!changes.count(&[fact("a")], mark, NOW));
}

#[test]
fn changes_are_told_in_few_characters_and_what_is_not_understood_may_be_anything() {
    for changed in [facts(&["a"]), facts(&["a", "b"]), Changed::Everything] {
        assert_eq!(Changed::read(&changed.written()), changed);
    }
    for odd in ["", "x", "0,", "*,0"] {
        assert_eq!(Changed::read(odd), Changed::Everything, "{odd}");
    }
    let mut many = Changed::Nothing;
    for n in 0..TOLD {
        many.add(&[fact(&n.to_string())]);
    }
    assert!(many.written().len() < 4_000, "a notification has room for it");
    many.add(&[fact("one more")]);
    assert_eq!(many, Changed::Everything);
}
