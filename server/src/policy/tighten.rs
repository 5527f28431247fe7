//! What an earlier policy of a chain set is the ceiling of the later ones.

use placet_sdk::{
    decision::{Freedom, GrantLimits, Limits, Proposal},
    details::still_enrichable,
    grant::{Grant, Object},
};
use serde_json::Value;

use crate::outcome::Fault;

type Tighten = fn(&mut Limits, &Proposal);

/// Members that have a ceiling, and how what stands in the proposal becomes one.
const CEILINGS: &[(&str, Tighten)] = &[
    ("/grant/sub", |l, _| grant(l, |g| g.sub = held(g.sub))),
    ("/grant/act", |l, _| grant(l, |g| g.act = held(g.act))),
    ("/grant/may_act", |l, _| grant(l, |g| g.may_act = held(g.may_act))),
    ("/grant/authentication", |l, _| grant(l, |g| g.authentication = held(g.authentication))),
    ("/grant/scope", |l, p| with(l, p, |g, set| g.scope = set.scope.unwrap_or_default())),
    ("/grant/resources", |l, p| with(l, p, |g, set| g.resources = set.resources.unwrap_or_default())),
    ("/grant/authorization_details", |l, p| {
        with(l, p, |g, set| {
            let set = set.authorization_details.unwrap_or_default();
            g.enrichable = still_enrichable(&g.authorization_details, &g.enrichable, &set);
            g.authorization_details = set;
        });
    }),
    ("/grant/claims", |l, p| with(l, p, |g, set| g.claims = set.claims.unwrap_or_default())),
    ("/grant/access_token/lifetime", |l, p| {
        with(l, p, |g, set| {
            lower(&mut g.access_token.max_lifetime, set.access_token.and_then(|t| t.lifetime));
        });
    }),
    ("/grant/access_token/audience", |l, p| {
        with(l, p, |g, set| {
            g.access_token.audiences = set.access_token.and_then(|t| t.audience).unwrap_or_default();
        });
    }),
    ("/grant/access_token/encoding", |l, p| {
        with(l, p, |g, set| {
            g.access_token.encodings = set.access_token.and_then(|t| t.encoding).into_iter().collect();
        });
    }),
    ("/grant/access_token/sub_type", |l, p| {
        with(l, p, |g, set| {
            g.access_token.sub_types = set.access_token.and_then(|t| t.sub_type).into_iter().collect();
        });
    }),
    ("/grant/access_token/sender_constraint", |l, p| {
        with(l, p, |g, set| {
            g.access_token.sender_constraint = set.access_token.and_then(|t| t.sender_constraint);
        });
    }),
    ("/grant/refresh_token/issue", |l, p| {
        with(l, p, |g, set| {
            g.refresh_token.allowed &= set.refresh_token.and_then(|t| t.issue) == Some(true);
        });
    }),
    ("/grant/refresh_token/lifetime", |l, p| {
        with(l, p, |g, set| {
            lower(&mut g.refresh_token.max_lifetime, set.refresh_token.and_then(|t| t.lifetime));
        });
    }),
    ("/grant/refresh_token/max_idle", |l, p| {
        with(l, p, |g, set| {
            let set = set.refresh_token.and_then(|t| t.max_idle).filter(|idle| *idle > 0);
            g.refresh_token.max_idle = set.unwrap_or(g.refresh_token.max_idle);
        });
    }),
    ("/grant/refresh_token/rotation", |l, p| {
        with(l, p, |g, set| g.refresh_token.rotation = set.refresh_token.and_then(|t| t.rotation));
    }),
    ("/grant/refresh_token/grace", |l, p| {
        with(l, p, |g, set| lower(&mut g.refresh_token.max_grace, set.refresh_token.and_then(|t| t.grace)));
    }),
    ("/grant/refresh_token/tokens", |l, p| {
        with(l, p, |g, set| {
            g.refresh_token.tokens = set.refresh_token.and_then(|t| t.tokens).into_iter().collect();
        });
    }),
    ("/grant/id_token/issue", |l, p| {
        with(l, p, |g, set| g.id_token.allowed &= set.id_token.and_then(|t| t.issue) == Some(true));
    }),
    ("/grant/id_token/lifetime", |l, p| {
        with(l, p, |g, set| lower(&mut g.id_token.max_lifetime, set.id_token.and_then(|t| t.lifetime)));
    }),
    ("/grant/id_token/audience", |l, p| {
        with(l, p, |g, set| {
            g.id_token.audiences = set.id_token.and_then(|t| t.audience).unwrap_or_default();
        });
    }),
    ("/grant/id_token/reissue_on_refresh", |l, p| {
        with(l, p, |g, set| {
            let set = set.id_token.and_then(|t| t.reissue_on_refresh);
            g.id_token.reissue_on_refresh &= set == Some(true);
        });
    }),
    ("/demand/acr_values", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.demand, &p.demand) {
            limits.acr_values.clone_from(&set.acr_values);
        }
    }),
    ("/demand/max_age", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.demand, &p.demand) {
            limits.max_age = set.max_age;
        }
    }),
    ("/demand/ui", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.demand, &p.demand) {
            limits.uis = set.ui.iter().cloned().collect();
        }
    }),
    ("/session/max_life", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.session, &p.session) {
            lower(&mut limits.max_life, set.max_life);
        }
    }),
    ("/session/max_idle", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.session, &p.session) {
            lower(&mut limits.max_idle, set.max_idle);
        }
    }),
    ("/session/auth_life", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.session, &p.session) {
            lower(&mut limits.auth_life, set.auth_life);
        }
    }),
    ("/device/expires_in", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.device, &p.device) {
            lower(&mut limits.max_expires_in, Some(set.expires_in));
        }
    }),
    ("/device/interval", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.device, &p.device) {
            limits.min_interval = limits.min_interval.max(set.interval);
        }
    }),
    ("/ciba/sub", |l, _| {
        if let Some(limits) = &mut l.ciba {
            limits.sub = held(limits.sub);
        }
    }),
    ("/ciba/expires_in", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.ciba, &p.ciba) {
            lower(&mut limits.max_expires_in, Some(set.expires_in));
        }
    }),
    ("/ciba/interval", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.ciba, &p.ciba) {
            limits.min_interval = limits.min_interval.max(set.interval);
        }
    }),
    ("/logout/confirm", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.logout, &p.logout) {
            limits.skip_confirm &= !set.confirm;
        }
    }),
    ("/introspection/scope", |l, p| {
        if let (Some(limits), Some(set)) = (&mut l.introspection, &p.introspection) {
            let scope = set.get("scope").and_then(Value::as_str).unwrap_or_default();
            limits.scope = scope.split_whitespace().map(str::to_owned).collect();
        }
    }),
    ("/saml2_bearer", |l, _| l.saml2_bearer = None),
];

/// Objects whose members nobody knows. A member that was set there is as its policy wants it: no ceiling could say what
/// less of it is.
const FREE: [&str; 8] = [
    "/grant/access_token/claims",
    "/grant/id_token/claims",
    "/grant/userinfo/claims",
    "/grant/data",
    "/grant/claims_context",
    "/ciba/channel",
    "/token_response",
    "/introspection",
];

/// Members that policies of a chain have set so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    pointers: Vec<(&'static str, Tighten)>,
    /// Metadata of a client, by name.
    client: Vec<String>,
    /// Members of free objects; none for all there are.
    free: Vec<(&'static str, Option<String>)>,
}

impl Set {
    /// Takes note of what an answer sets.
    pub(super) fn note(&mut self, set: &Object) {
        for (pointer, tighten) in CEILINGS {
            let known = self.pointers.iter().any(|(known, _)| known == pointer);
            if !known && touches(set, pointer) {
                self.pointers.push((pointer, *tighten));
            }
        }
        if let Some(Value::Object(client)) = set.get("client") {
            self.client.extend(client.keys().cloned());
        }
        for pointer in FREE {
            match found(set, pointer) {
                Some(Value::Object(members)) => {
                    self.free.extend(members.keys().map(|name| (pointer, Some(name.clone()))));
                }
                Some(_) => self.free.push((pointer, None)),
                None => {}
            }
        }
    }

    /// A member of a free object that an earlier policy set and that is not as it was, though it may not be widened.
    pub(super) fn changed(
        &self,
        before: &Proposal,
        after: &Proposal,
        may_widen: &[String],
    ) -> Option<String> {
        if self.free.is_empty() || before == after {
            return None;
        }
        let (before, after) = (serde_json::to_value(before).ok()?, serde_json::to_value(after).ok()?);
        let mut changed = self.free.iter().filter_map(|(pointer, name)| {
            let of = |all: &Value| {
                let object = all.pointer(pointer);
                name.as_ref().map_or(object, |name| object?.get(name)).cloned()
            };
            (of(&before) != of(&after)).then(|| match name {
                Some(name) => format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                None => (*pointer).to_owned(),
            })
        });
        changed.find(|pointer| !may_widen.iter().any(|allowed| covers(allowed, pointer)))
    }

    /// The limits of the next policy, which may widen what these pointers lead to.
    pub(super) fn limits(&self, server: &Limits, proposal: &Proposal, may_widen: &[String]) -> Limits {
        let mut limits = server.clone();
        let widens = |pointer: &str| may_widen.iter().any(|allowed| covers(allowed, pointer));
        for (pointer, tighten) in &self.pointers {
            if !widens(pointer) {
                tighten(&mut limits, proposal);
            }
        }
        let of = |section: &'static str| {
            let names = self.free.iter().filter(move |(pointer, _)| *pointer == section);
            let names =
                names.filter_map(|(pointer, name)| Some((format!("{pointer}/{}", name.as_ref()?), name)));
            names.filter(|(pointer, _)| !widens(pointer)).filter_map(|(_, name)| name.clone())
        };
        if let Some(response) = &mut limits.token_response {
            response.reserved.extend(of("/token_response"));
        }
        if let Some(introspection) = &mut limits.introspection {
            // The scope has a ceiling of its own.
            introspection.reserved.extend(of("/introspection").filter(|name| name != "scope"));
        }
        if let Some(client) = &mut limits.client {
            client.members.retain(|name| !self.client.contains(name) || widens(&format!("/client/{name}")));
        }
        limits
    }
}

/// Limits of a grant after policies set this of it.
pub(super) fn after(set: &Grant, proposed: &Grant, limits: GrantLimits) -> Result<GrantLimits, Fault> {
    let grant = serde_json::to_value(set).map_err(|e| Fault::new("grant", e))?;
    let mut noted = Set::default();
    noted.note(&Object::from_iter([("grant".to_owned(), grant)]));
    let limits = Limits { grant: Some(limits), ..Limits::default() };
    let proposal = Proposal { grant: Some(proposed.clone()), ..Proposal::default() };
    Ok(noted.limits(&limits, &proposal, &[]).grant.unwrap_or_default())
}

/// Whether a pointer leads to the other, or to something that it is in.
fn covers(pointer: &str, other: &str) -> bool {
    other.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a patch sets the member, or something that it is in, or something in it.
fn touches(set: &Object, pointer: &str) -> bool {
    found(set, pointer).is_some()
}

/// What a patch says of a member: of itself, or of something that it is in.
fn found<'a>(set: &'a Object, pointer: &str) -> Option<&'a Value> {
    let mut tokens = pointer.split('/').skip(1);
    let mut here = tokens.next().and_then(|name| set.get(name));
    for name in tokens {
        here = match here {
            Some(Value::Object(members)) => members.get(name),
            other => return other,
        };
    }
    here
}

fn held(freedom: Freedom) -> Freedom {
    if freedom == Freedom::Settable { Freedom::Fixed } else { freedom }
}

fn lower(limit: &mut u32, set: Option<u32>) {
    // 0 stands for "as long as the authorization": no shorter than the limit.
    if let Some(set) = set.filter(|set| *set > 0) {
        *limit = (*limit).min(set);
    }
}

fn grant(limits: &mut Limits, change: impl Fn(&mut GrantLimits)) {
    if let Some(grant) = &mut limits.grant {
        change(grant);
    }
}

fn with(limits: &mut Limits, proposal: &Proposal, change: impl Fn(&mut GrantLimits, Grant)) {
    if let (Some(limits), Some(set)) = (&mut limits.grant, &proposal.grant) {
        change(limits, set.clone());
    }
}

#[cfg(test)]
mod tests;
