//! How a sidecar presents itself.

use std::collections::BTreeMap;

use crate::decision::{
    DecidedBy, HookType, Mode, PROTOCOL, PolicyAuth, PolicyDocument, SidecarInfo, SupportedType,
};

/// Name, version and needs of a policy. Which decisions it makes is known without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    name: String,
    version: String,
    docs: Option<String>,
    needs: BTreeMap<HookType, Vec<String>>,
    returns: BTreeMap<HookType, Vec<String>>,
}

impl Description {
    /// A name and a version. Unless an answer says otherwise they stand in it too; a new version makes the server
    /// forget the decisions of the old one.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            docs: None,
            needs: BTreeMap::new(),
            returns: BTreeMap::new(),
        }
    }

    /// Named like the type of the policy.
    pub(super) fn of<P: ?Sized>() -> Self {
        let path = std::any::type_name::<P>();
        Self::new(path.rsplit("::").next().unwrap_or(path), "0")
    }

    /// Where the sidecar is documented.
    #[must_use]
    pub fn docs(mut self, url: impl Into<String>) -> Self {
        self.docs = Some(url.into());
        self
    }

    /// What the policy looks at for this type, as JSON Pointers into the request, besides the mandatory members and
    /// the section of the type. The server sends nothing else, and remembers decisions by nothing else. Without this,
    /// it sends everything.
    #[must_use]
    pub fn needs(mut self, hook: HookType, pointers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut needs: Vec<String> = pointers.into_iter().map(Into::into).collect();
        needs.push(format!("/{}", hook.section()));
        needs.sort_unstable();
        needs.dedup();
        self.needs.insert(hook, needs);
        self
    }

    /// What the policy may set for this type, as JSON Pointers into the proposal.
    #[must_use]
    pub fn returns(mut self, hook: HookType, pointers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.returns.insert(hook, pointers.into_iter().map(Into::into).collect());
        self
    }

    pub(super) fn decided_by(&self) -> DecidedBy {
        DecidedBy { name: self.name.clone(), version: self.version.clone() }
    }

    pub(super) fn document(&self, id: &str, types: &[HookType], signed_response: bool) -> PolicyDocument {
        let below = |name: &str| {
            // Whoever is behind a Unix socket has no paths in its address.
            if id.starts_with("unix:") { None } else { Some(format!("{}/{name}", id.trim_end_matches('/'))) }
        };
        PolicyDocument {
            sidecar: SidecarInfo {
                id: id.to_owned(),
                name: self.name.clone(),
                version: self.version.clone(),
            },
            protocols: vec![PROTOCOL.to_owned()],
            decision_endpoint: below("decide").unwrap_or_else(|| id.to_owned()),
            event_endpoint: None,
            health_endpoint: below("healthz"),
            types: types
                .iter()
                .map(|hook| SupportedType {
                    hook: hook.to_string(),
                    needs: self.needs.get(hook).cloned(),
                    returns: self.returns.get(hook).cloned(),
                    cacheable: hook.cacheable(),
                })
                .collect(),
            auth: PolicyAuth { request: vec!["signature".to_owned()], signed_response },
            modes: Mode::all(),
            docs: self.docs.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_of_a_type_is_always_needed() {
        let hook = HookType::ClaimsSource;
        let told = Description::new("p", "1").needs(hook, ["/subject/sub", "/client/data/team"]);
        let document = told.document("https://p.example", &[hook], false);
        let needs = document.types[0].needs.clone().unwrap();
        assert_eq!(needs, ["/claims", "/client/data/team", "/subject/sub"]);
    }

    #[test]
    fn endpoints_lie_below_the_id() {
        let document = Description::new("p", "1").document("https://p.example/placet/", &[], true);
        assert_eq!(document.decision_endpoint, "https://p.example/placet/decide");
        assert_eq!(document.health_endpoint.as_deref(), Some("https://p.example/placet/healthz"));
        assert!(document.auth.signed_response);
        let socket = Description::new("p", "1").document("unix:///run/p.sock", &[], false);
        assert_eq!(socket.decision_endpoint, "unix:///run/p.sock");
    }
}
