//! Who a decision may make somebody: what a registration allows beyond the limits.

use std::iter::successors;

use placet_sdk::{
    decision::{Freedom, Limits, Proposal},
    grant::{Actor, Object},
};

use super::{
    backend::rules::fits,
    failure::{Failed, FailureCode},
};
use crate::config::{PolicyConfig, SubjectView};

/// The limits as this registration has them: identities are fixed for whoever may not set them.
pub(super) fn restrict(limits: &mut Limits, policy: &PolicyConfig, proposal: &Proposal, impersonation: bool) {
    let pairwise = policy.subject_view == SubjectView::Pairwise;
    let there = proposal.grant.as_ref().is_some_and(|grant| grant.sub.is_some());
    if let Some(grant) = &mut limits.grant
        && grant.sub == Freedom::Settable
        && (pairwise || (impersonation && !policy.allow_impersonation))
    {
        grant.sub = if there { Freedom::Fixed } else { Freedom::Forbidden };
    }
    if let (true, Some(ciba)) = (pairwise, &mut limits.ciba) {
        let there = proposal.ciba.as_ref().is_some_and(|ciba| ciba.sub.is_some());
        ciba.sub = if there { Freedom::Fixed } else { Freedom::Forbidden };
    }
}

/// Holds what an answer made of subject and actors against the registration. Tells whether it put somebody in the
/// place of an authenticated user.
pub(super) fn check(
    policy: &PolicyConfig,
    before: &Proposal,
    after: &mut Proposal,
    impersonation: bool,
) -> Result<bool, Failed> {
    let refused = |pointer: &str, detail: &str| {
        Err(Failed::new(FailureCode::Limit, format!("`{pointer}`: {detail} by the registration")))
    };
    let ciba = |proposal: &Proposal| proposal.ciba.as_ref().and_then(|ciba| ciba.sub.clone());
    let sub = |proposal: &Proposal| proposal.grant.as_ref().and_then(|grant| grant.sub.clone());
    for (pointer, before, after) in
        [("/grant/sub", sub(before), sub(after)), ("/ciba/sub", ciba(before), ciba(after))]
    {
        let Some(after) = after.filter(|after| before.as_ref() != Some(after)) else { continue };
        if fits(&after, &policy.sub_deny) || !(policy.sub_allow.is_empty() || fits(&after, &policy.sub_allow))
        {
            return refused(pointer, "this subject is not allowed");
        }
    }
    let before = before.grant.clone().unwrap_or_default();
    let Some(after) = &mut after.grant else { return Ok(false) };
    if before.act != after.act && actors(after.act.as_ref()).any(|actor| fits(&actor.sub, &policy.sub_deny)) {
        return refused("/grant/act", "this actor is not allowed");
    }
    let other = before.sub.is_some() && before.sub != after.sub;
    let taken = !ends_with(after.act.as_ref(), before.act.as_ref());
    if !impersonation || !(other || taken) {
        return Ok(false);
    }
    if !policy.allow_impersonation {
        return refused("/grant/act", "to change the subject or to take actors away is not allowed");
    }
    if let (true, true, Some(original)) = (policy.force_act, other, before.sub)
        && !actors(after.act.as_ref()).any(|actor| actor.sub == original)
    {
        let previous = after.act.take().map(Box::new);
        after.act = Some(Actor { sub: original, iss: None, client_id: None, act: previous });
    }
    Ok(true)
}

/// Whether an answer says who somebody is, even if it leaves it as it was: such a one is never kept.
pub(super) fn names_somebody(set: Option<&Object>) -> bool {
    let member = |section: &str, name: &str| {
        set.and_then(|set| set.get(section)?.as_object()).is_some_and(|section| section.contains_key(name))
    };
    [("grant", "sub"), ("grant", "act"), ("grant", "authentication"), ("ciba", "sub")]
        .into_iter()
        .any(|(section, name)| member(section, name))
}

fn actors(act: Option<&Actor>) -> impl Iterator<Item = &Actor> {
    successors(act, |actor| actor.act.as_deref())
}

/// Whether the chain of actors is the other one with newer actors before it.
fn ends_with(chain: Option<&Actor>, end: Option<&Actor>) -> bool {
    end.is_none() || actors(chain).any(|actor| Some(actor) == end)
}

#[cfg(test)]
mod tests {
    use placet_sdk::{
        decision::{CibaLimits, CibaProposal, GrantLimits},
        grant::Grant,
    };

    use super::*;

    fn actor(sub: &str, act: Option<Actor>) -> Actor {
        Actor { sub: sub.to_owned(), iss: None, client_id: None, act: act.map(Box::new) }
    }

    fn grant(sub: &str, act: Option<Actor>) -> Proposal {
        let grant = Grant { sub: Some(sub.to_owned()), act, ..Grant::default() };
        Proposal { grant: Some(grant), ..Proposal::default() }
    }

    fn policy(allow_impersonation: bool) -> PolicyConfig {
        PolicyConfig { allow_impersonation, sub_deny: vec!["admin:*".to_owned()], ..PolicyConfig::default() }
    }

    #[test]
    fn whoever_must_not_know_who_somebody_is_cannot_say_it_either() {
        let settable = || Limits {
            grant: Some(GrantLimits { sub: Freedom::Settable, ..GrantLimits::default() }),
            ciba: Some(CibaLimits { sub: Freedom::Settable, ..CibaLimits::default() }),
            ..Limits::default()
        };
        let known = CibaProposal { sub: Some("alice".to_owned()), ..CibaProposal::default() };
        let both = Proposal { ciba: Some(known), ..grant("alice", None) };
        for (view, proposal, freedom) in [
            (SubjectView::Local, &both, Freedom::Settable),
            (SubjectView::Pairwise, &both, Freedom::Fixed),
            (SubjectView::Pairwise, &Proposal::default(), Freedom::Forbidden),
        ] {
            let mut limits = settable();
            let policy = PolicyConfig { subject_view: view, ..policy(true) };
            restrict(&mut limits, &policy, proposal, false);
            assert_eq!(limits.grant.unwrap().sub, freedom, "{view:?}");
            assert_eq!(limits.ciba.unwrap().sub, freedom, "{view:?}");
        }
    }

    #[test]
    fn an_authenticated_user_is_fixed_for_whoever_may_not_impersonate() {
        for (may, impersonation, freedom) in [
            (false, true, Freedom::Fixed),
            (true, true, Freedom::Settable),
            (false, false, Freedom::Settable),
        ] {
            let limits = GrantLimits { sub: Freedom::Settable, ..GrantLimits::default() };
            let mut limits = Limits { grant: Some(limits), ..Limits::default() };
            restrict(&mut limits, &policy(may), &grant("alice", None), impersonation);
            assert_eq!(limits.grant.unwrap().sub, freedom, "{may} {impersonation}");
        }
    }

    #[test]
    fn only_who_may_impersonate_changes_a_subject_or_takes_actors_away() {
        let old = || actor("carol", None);
        let before = grant("alice", Some(old()));
        for (after, changes) in [
            (grant("alice", Some(old())), false),
            (grant("alice", Some(actor("dave", Some(old())))), false),
            (grant("bob", Some(old())), true),
            (grant("alice", None), true),
            (grant("alice", Some(actor("dave", None))), true),
        ] {
            let judged = |policy: &PolicyConfig| check(policy, &before, &mut after.clone(), true);
            assert_eq!(judged(&policy(true)), Ok(changes), "{after:?}");
            assert_eq!(judged(&policy(false)).is_err(), changes, "{after:?}");
            assert_eq!(check(&policy(false), &before, &mut after.clone(), false), Ok(false));
        }
    }

    #[test]
    fn subjects_and_actors_that_are_denied_are_refused_even_to_who_may_impersonate() {
        for after in [grant("admin:1", None), grant("alice", Some(actor("admin:1", None)))] {
            let judged = check(&policy(true), &grant("alice", None), &mut after.clone(), true);
            assert_eq!(judged.map_err(|failed| failed.code), Err(FailureCode::Limit), "{after:?}");
        }
        let listed = PolicyConfig { sub_allow: vec!["customer:*".to_owned()], ..policy(true) };
        let judged = check(&listed, &Proposal::default(), &mut grant("alice", None), false);
        assert_eq!(judged.map_err(|failed| failed.code), Err(FailureCode::Limit));
        let judged = check(&listed, &Proposal::default(), &mut grant("customer:1", None), false);
        assert_eq!(judged, Ok(false));
    }

    #[test]
    fn an_answer_says_who_somebody_is_by_each_of_these_members() {
        let names = |set: serde_json::Value| names_somebody(set.as_object());
        for member in ["sub", "act", "authentication"] {
            assert!(names(serde_json::json!({ "grant": { "scope": [], member: null } })), "{member}");
        }
        assert!(names(serde_json::json!({ "ciba": { "sub": "alice" } })));
        assert!(!names(serde_json::json!({ "grant": { "scope": [] }, "claims": { "sub": "alice" } })));
        assert!(!names_somebody(None));
    }

    #[test]
    fn a_forced_actor_is_whoever_was_replaced() {
        let forced = PolicyConfig { force_act: true, ..policy(true) };
        let mut after = grant("bob", None);
        assert_eq!(check(&forced, &grant("carol", None), &mut after, true), Ok(true));
        assert_eq!(after.grant.unwrap().act, Some(actor("carol", None)));
        let mut named = grant("bob", Some(actor("carol", None)));
        assert_eq!(check(&forced, &grant("carol", None), &mut named, true), Ok(true));
        assert_eq!(named.grant.unwrap().act, Some(actor("carol", None)));
    }
}
