use super::*;

fn book(keep: u32) -> Book {
    Book::new(LedgerConfig { keep, ..LedgerConfig::default() }, 0)
}

fn step(id: &str, at: i64, status: u16) -> Step {
    let mut step = Step::begin(("Somebody asked", "/path"), id, at);
    step.end(status, 5);
    step
}

fn of(flows: &[&str]) -> Noted {
    Noted { flows: flows.iter().map(|id| (*id).to_owned()).collect(), ..Noted::default() }
}

fn requests(flow: &Flow) -> Vec<&str> {
    flow.steps.iter().map(|step| step.request_id.as_str()).collect()
}

#[test]
fn requests_that_name_the_same_are_one_flow_found_by_each_of_its_ids() {
    let mut book = book(10);
    book.write(step("req_1", 1, 303), of(&["ia_1"]));
    book.write(step("req_2", 2, 303), of(&["ia_2"]));
    book.write(step("req_3", 3, 200), of(&["ia_1", "az_1"]));
    book.write(step("req_4", 4, 204), of(&["az_1"]));
    for id in ["req_1", "req_3", "req_4", "ia_1", "az_1"] {
        assert_eq!(requests(&book.find(id).unwrap()), ["req_1", "req_3", "req_4"], "{id}");
    }
    assert_eq!(requests(&book.find("ia_2").unwrap()), ["req_2"]);
    assert!(book.find("ia_3").is_none());
}

#[test]
fn two_flows_that_turn_out_to_be_one_are_put_together_in_their_order() {
    let mut book = book(10);
    book.write(step("req_1", 1, 200), of(&[" device"]));
    book.write(step("req_2", 2, 303), of(&["ia_1"]));
    book.write(step("req_3", 3, 400), of(&[" device"]));
    book.write(step("req_4", 4, 200), of(&["ia_1", " device"]));
    let flow = book.find("ia_1").unwrap();
    assert_eq!(requests(&flow), ["req_1", "req_2", "req_3", "req_4"]);
    assert_eq!(book.holdings().flows, 1);
    assert!(book.find(" device").is_none(), "what is hidden finds nothing");
    assert_eq!(flow.ids, ["ia_1"]);
}

#[test]
fn a_flood_of_requests_pushes_no_sign_in_out_and_what_is_gone_is_not_found() {
    let mut book = book(3);
    book.write(step("req_sign_in", 1, 303), of(&["ia_1"]));
    for n in 0..9 {
        book.write(step(&format!("req_good{n}"), 2, 200), of(&[]));
        book.write(step(&format!("req_bad{n}"), 2, 400), of(&[]));
    }
    assert!(book.find("req_sign_in").is_some());
    assert!(book.find("req_bad8").is_some() && book.find("req_good8").is_some());
    assert!(book.find("req_bad5").is_none() && book.find("req_good5").is_none());
    let holdings = book.holdings();
    assert_eq!((holdings.flows, holdings.reaches_back_to), (7, Some(1)));
    assert_eq!(book.keys.len(), 8, "{:?}", book.keys);
}

#[test]
fn it_never_takes_more_memory_than_it_may_and_counts_rightly() {
    let mut book = Book::new(LedgerConfig { keep: 1_000, max_bytes: 8_000 }, 0);
    for n in 0..200 {
        let noted = Noted { said: vec!["x".repeat(100)], ..of(&[&format!("ia_{}", n % 50)]) };
        book.write(step(&format!("req_{n}"), n, 200), noted);
        assert!(book.bytes <= 8_000);
    }
    assert_eq!(book.bytes, book.flows.values().map(|flow| flow.size()).sum::<usize>());
    assert!(!book.flows.is_empty());
}

#[test]
fn who_asks_again_and_again_is_one_step_and_long_flows_keep_both_ends() {
    let mut book = book(10);
    book.write(step("req_begin", 1, 200), of(&["ia_1"]));
    for n in 0..5 {
        let refusal = Some(("authorization_pending".to_owned(), "not yet".to_owned()));
        book.write(step(&format!("req_poll{n}"), 2, 400), Noted { refusal, ..of(&["ia_1"]) });
    }
    let flow = book.find("ia_1").unwrap();
    assert_eq!(requests(&flow), ["req_begin", "req_poll4"]);
    assert_eq!(flow.steps[1].repeats, 4);
    assert!(book.find("req_poll3").is_none() && book.find("req_poll4").is_some());
    for n in 0..100 {
        let noted = Noted { said: vec![n.to_string()], ..of(&["ia_1"]) };
        book.write(step(&format!("req_{n}"), 3, 200), noted);
    }
    let flow = book.find("ia_1").unwrap();
    assert_eq!((flow.steps.len(), flow.left_out), (40, 62));
    assert_eq!(flow.steps.last().unwrap().request_id, "req_99");
    assert_eq!(book.keys.len(), 41);
}

#[test]
fn a_good_end_is_not_undone_by_a_late_request_but_a_refusal_is_by_a_good_one() {
    let mut book = book(10);
    let with = |outcome: Outcome| Noted { outcome: Some(outcome), ..of(&["ia_1"]) };
    book.write(step("req_1", 1, 303), with(Outcome::Waiting("x".to_owned())));
    book.write(step("req_2", 2, 409), of(&["ia_1"]));
    assert_eq!(book.find("ia_1").unwrap().outcome, Outcome::Refused("status 409".to_owned()));
    book.write(step("req_3", 3, 200), with(Outcome::Done("y".to_owned())));
    book.write(step("req_4", 4, 410), of(&["ia_1"]));
    assert_eq!(book.find("ia_1").unwrap().outcome, Outcome::Done("y".to_owned()));
}

#[test]
fn pages_go_on_where_the_last_one_ended_and_leave_out_what_is_not_wanted() {
    let mut book = book(10);
    for n in 0..5 {
        book.write(step(&format!("req_{n}"), n, 303), of(&[&format!("ia_{n}")]));
    }
    book.write(step("req_single", 9, 200), of(&[]));
    let first = book.list(&Filter { limit: 3, ..Filter::default() });
    assert_eq!(first.flows.iter().map(|flow| flow.id()).collect::<Vec<_>>(), ["req_4", "req_3", "req_2"]);
    let rest = book.list(&Filter { limit: 3, before: first.next, ..Filter::default() });
    assert_eq!(rest.flows.iter().map(|flow| flow.id()).collect::<Vec<_>>(), ["req_1", "req_0"]);
    assert_eq!(rest.next, None);
    assert_eq!(book.list(&Filter { limit: 9, all: true, ..Filter::default() }).flows.len(), 6);
    let refused = Filter { limit: 9, outcome: Some("refused".to_owned()), ..Filter::default() };
    assert!(book.list(&refused).flows.is_empty());
}
