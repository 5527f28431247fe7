use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_000_000;

fn facts() -> AuthFacts {
    AuthFacts {
        sub: "u1".to_owned(),
        authenticated_at: NOW - 100,
        acr: Some("silver".to_owned()),
        amr: vec!["pwd".to_owned()],
        satisfies_until: None,
    }
}

fn from_session(demand: &Demand) -> Vec<AuthReason> {
    shortfalls(&facts(), demand, false, NOW)
}

fn from_answer(demand: &Demand) -> Vec<AuthReason> {
    shortfalls(&AuthFacts { authenticated_at: NOW, ..facts() }, demand, true, NOW)
}

fn progress<'a>(facts: Option<&'a AuthFacts>, demand: &'a Demand) -> Progress<'a> {
    Progress {
        prompts_allowed: true,
        facts,
        fresh: false,
        session_over: None,
        demand,
        consent: ConsentState::NotNeeded,
        now: NOW,
    }
}

#[test]
fn a_session_satisfies_a_request_without_demands() {
    assert_eq!(from_session(&Demand::default()), []);
    assert_eq!(next_step(&progress(Some(&facts()), &Demand::default())), Step::Respond);
}

#[test]
fn without_a_session_the_user_authenticates_for_the_reason_it_ended() {
    let demand = Demand { create: true, ..Demand::default() };
    let step = next_step(&progress(None, &demand));
    assert_eq!(step, Step::Authenticate(vec![AuthReason::NoSession, AuthReason::PromptCreate]));
    let idle = Progress { session_over: Some(AuthReason::SessionIdle), ..progress(None, &demand) };
    assert_eq!(next_step(&idle), Step::Authenticate(vec![AuthReason::SessionIdle, AuthReason::PromptCreate]));
}

#[test]
fn max_age_limits_the_age_in_seconds() {
    let limit = |max_age| Demand { max_age: Some(max_age), ..Demand::default() };
    assert_eq!(from_session(&limit(100)), []);
    assert_eq!(from_session(&limit(99)), [AuthReason::MaxAgeExceeded]);
    assert_eq!(from_session(&limit(u64::MAX)), []);
}

#[test]
fn max_age_zero_is_met_by_an_answer_but_never_by_a_session() {
    let demand = Demand { max_age: Some(0), ..Demand::default() };
    let at = |age| AuthFacts { authenticated_at: NOW - age, ..facts() };
    assert_eq!(shortfalls(&at(0), &demand, false, NOW), [AuthReason::MaxAgeExceeded]);
    assert_eq!(shortfalls(&at(60), &demand, true, NOW), []);
    assert_eq!(shortfalls(&at(61), &demand, true, NOW), [AuthReason::MaxAgeExceeded]);
}

#[test]
fn prompt_login_needs_an_authentication_since_the_request() {
    let demand = Demand { not_before: Some(NOW - 50), ..Demand::default() };
    assert_eq!(from_session(&demand), [AuthReason::PromptLogin]);
    assert_eq!(from_answer(&demand), []);
    assert_eq!(shortfalls(&facts(), &demand, true, NOW), [AuthReason::PromptLogin]);
}

#[test]
fn choosing_or_creating_an_account_is_satisfied_by_an_answer_only() {
    let select = Demand { select_account: true, ..Demand::default() };
    assert_eq!(from_session(&select), [AuthReason::PromptSelectAccount]);
    assert_eq!(from_answer(&select), []);
    let create = Demand { create: true, not_before: Some(NOW - 50), ..Demand::default() };
    assert_eq!(from_session(&create), [AuthReason::PromptCreate]);
    assert_eq!(from_answer(&create), []);
}

#[test]
fn an_acr_that_is_only_wished_for_is_asked_for_once() {
    let wish = Demand { acr_values: vec!["gold".to_owned()], ..Demand::default() };
    assert_eq!(from_session(&wish), [AuthReason::AcrInsufficient]);
    assert_eq!(from_answer(&wish), []);
    let quiet = Progress { prompts_allowed: false, ..progress(None, &wish) };
    let session = facts();
    assert_eq!(next_step(&Progress { facts: Some(&session), ..quiet }), Step::Respond);
}

#[test]
fn what_is_essential_and_out_of_reach_is_refused_before_anybody_is_asked() {
    let gold = Demand {
        acr_values: vec!["gold".to_owned()],
        acr_reach: Some(vec!["bronze".to_owned()]),
        ..Demand::default()
    };
    let essential = Demand { acr_essential: true, ..gold.clone() };
    let there = Demand { acr_values: vec!["silver".to_owned()], ..essential.clone() };
    let session = facts();
    for prompts_allowed in [true, false] {
        for facts in [None, Some(&session)] {
            let step = next_step(&Progress { prompts_allowed, ..progress(facts, &essential) });
            assert!(matches!(step, Step::Refuse(ErrorCode::UnmetAuthenticationRequirements, _)), "{step:?}");
        }
        let met = Progress { prompts_allowed, ..progress(Some(&session), &there) };
        assert_eq!(next_step(&met), Step::Respond, "a session that reached it elsewhere will do");
    }
    assert!(matches!(next_step(&progress(None, &gold)), Step::Authenticate(_)), "a wish is asked for");
}

#[test]
fn an_essential_acr_is_insisted_on() {
    let demand = Demand { acr_values: vec!["gold".to_owned()], acr_essential: true, ..Demand::default() };
    assert_eq!(from_answer(&demand), [AuthReason::AcrInsufficient]);
    let session = facts();
    let quiet = Progress { prompts_allowed: false, ..progress(Some(&session), &demand) };
    assert!(matches!(next_step(&quiet), Step::Refuse(ErrorCode::LoginRequired, _)));
    let reached = Demand { acr_values: vec!["gold".to_owned(), "silver".to_owned()], ..demand };
    assert_eq!(from_session(&reached), []);
}

#[test]
fn every_demanded_method_and_the_demanded_user_must_be_there() {
    let demand = Demand { amr: vec!["pwd".to_owned(), "otp".to_owned()], ..Demand::default() };
    assert_eq!(from_answer(&demand), [AuthReason::AmrInsufficient]);
    let demand = Demand { sub: Some("u2".to_owned()), ..Demand::default() };
    assert_eq!(from_answer(&demand), [AuthReason::SubjectMismatch]);
}

#[test]
fn an_authentication_may_stop_to_satisfy_before_its_session_ends() {
    let until = |at| AuthFacts { satisfies_until: Some(at), ..facts() };
    assert_eq!(shortfalls(&until(NOW + 1), &Demand::default(), false, NOW), []);
    assert_eq!(shortfalls(&until(NOW), &Demand::default(), false, NOW), [AuthReason::SessionExpired]);
    assert_eq!(shortfalls(&until(NOW), &Demand::default(), true, NOW), []);
}

#[test]
fn an_answer_that_falls_short_says_so() {
    let demand = Demand { sub: Some("u2".to_owned()), ..Demand::default() };
    let answer = AuthFacts { authenticated_at: NOW, ..facts() };
    let step = next_step(&Progress { fresh: true, ..progress(Some(&answer), &demand) });
    assert_eq!(step, Step::Authenticate(vec![AuthReason::AnswerInsufficient, AuthReason::SubjectMismatch]));
}

#[test]
fn consent_comes_after_authentication() {
    let (session, demand) = (facts(), Demand::default());
    let needed = |facts| Progress { consent: ConsentState::Needed, ..progress(facts, &demand) };
    assert_eq!(next_step(&needed(None)), Step::Authenticate(vec![AuthReason::NoSession]));
    assert_eq!(next_step(&needed(Some(&session))), Step::AskConsent);
    let given = Progress { consent: ConsentState::Given, ..needed(Some(&session)) };
    assert_eq!(next_step(&given), Step::Respond);
}

#[test]
fn prompt_none_gets_the_code_for_what_is_missing() {
    let (session, plain) = (facts(), Demand::default());
    let choose = Demand { select_account: true, ..Demand::default() };
    let code = |facts, demand, consent| match next_step(&Progress {
        prompts_allowed: false,
        consent,
        ..progress(facts, demand)
    }) {
        Step::Refuse(code, _) => code,
        step => panic!("unexpected {step:?}"),
    };
    assert_eq!(code(None, &plain, ConsentState::Needed), ErrorCode::LoginRequired);
    assert_eq!(code(Some(&session), &choose, ConsentState::Needed), ErrorCode::AccountSelectionRequired);
    assert_eq!(code(Some(&session), &plain, ConsentState::Needed), ErrorCode::ConsentRequired);
}

prop_compose! {
    fn any_facts()(
        sub in "u[12]", age in 0i64..200, acr in prop::option::of("gold|silver"),
        amr in prop::collection::vec("pwd|otp", 0..2), until in prop::option::of(-100i64..100),
    ) -> AuthFacts {
        AuthFacts { sub, authenticated_at: NOW - age, acr, amr, satisfies_until: until.map(|at| NOW + at) }
    }
}

#[test]
fn a_step_up_is_met_by_an_answer_alone() {
    let demand = Demand { step_up: Some(NOW - 50), ..Demand::default() };
    let at_time = |at| AuthFacts { authenticated_at: at, ..facts() };
    let missing = |at, fresh| shortfalls(&at_time(at), &demand, fresh, NOW);
    assert_eq!(missing(NOW, false), [AuthReason::PolicyStepUp]);
    assert_eq!(missing(NOW - 51, true), [AuthReason::PolicyStepUp]);
    assert_eq!(missing(NOW - 50, true), []);
}

prop_compose! {
    fn any_demand()(
        max_age in prop::option::of(0u64..200), acr_values in prop::collection::vec("gold|silver", 0..2),
        acr_essential: bool, sub in prop::option::of("u[12]"), not_before in prop::option::of(-200i64..1),
        select_account in prop::bool::weighted(0.2), create in prop::bool::weighted(0.2),
        amr in prop::collection::vec("pwd|otp", 0..2), step_up in prop::option::of(-200i64..1),
    ) -> Demand {
        let (not_before, step_up) = (not_before.map(|at| NOW + at), step_up.map(|at| NOW + at));
        let acr_reach = None;
        Demand {
            max_age, acr_values, acr_essential, acr_reach, sub, not_before, select_account, create, amr, step_up,
        }
    }
}

fn any_consent() -> impl Strategy<Value = ConsentState> {
    prop_oneof![Just(ConsentState::NotNeeded), Just(ConsentState::Needed), Just(ConsentState::Given)]
}

proptest! {
    #[test]
    fn nothing_is_asked_where_prompts_are_not_allowed(
        facts in prop::option::of(any_facts()), demand in any_demand(), fresh: bool, consent in any_consent(),
    ) {
        let quiet = Progress { prompts_allowed: false, fresh, consent, ..progress(facts.as_ref(), &demand) };
        prop_assert!(matches!(next_step(&quiet), Step::Respond | Step::Refuse(..)));
    }

    #[test]
    fn a_response_means_that_every_demand_is_met(
        facts in prop::option::of(any_facts()), demand in any_demand(), fresh: bool, prompts_allowed: bool,
        consent in any_consent(),
    ) {
        let step = next_step(&Progress { prompts_allowed, fresh, consent, ..progress(facts.as_ref(), &demand) });
        if step == Step::Respond {
            prop_assert_ne!(consent, ConsentState::Needed);
            let mut missing = shortfalls(facts.as_ref().expect("a response is about a user"), &demand, fresh, NOW);
            if !prompts_allowed && !demand.acr_essential {
                missing.retain(|reason| *reason != AuthReason::AcrInsufficient);
            }
            prop_assert_eq!(missing, []);
        }
    }

    #[test]
    fn an_authentication_is_asked_for_with_reasons_and_never_refused_where_prompts_are_allowed(
        facts in prop::option::of(any_facts()), demand in any_demand(), fresh: bool, consent in any_consent(),
    ) {
        match next_step(&Progress { fresh, consent, ..progress(facts.as_ref(), &demand) }) {
            Step::Authenticate(reasons) => prop_assert!(!reasons.is_empty()),
            Step::Refuse(code, _) => prop_assert!(false, "refused with {:?}", code),
            Step::AskConsent | Step::Respond => {}
        }
    }

    #[test]
    fn an_answer_meets_whatever_a_session_with_the_same_facts_meets(
        facts in any_facts(), demand in any_demand(),
    ) {
        let of_session = shortfalls(&facts, &demand, false, NOW);
        prop_assert!(shortfalls(&facts, &demand, true, NOW).iter().all(|reason| of_session.contains(reason)));
    }
}
