//! The document of a sidecar that speaks the decision API.

use std::sync::Arc;

use placet_sdk::decision::{HookType, PolicyDocument, WELL_KNOWN};

use super::{Document, Origin};
use crate::policy::{
    backend::Known,
    failure::{Failed, FailureCode},
};

/// The document of a sidecar; none if it has none.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Sidecar(Option<Arc<PolicyDocument>>);

impl Sidecar {
    /// Where decisions are asked; none if that is the URL itself.
    pub(in crate::policy) fn endpoint(&self) -> Option<String> {
        self.0.as_ref().map(|document| document.decision_endpoint.clone())
    }

    /// What it says of a type.
    pub(in crate::policy) fn of(&self, hook: HookType) -> Known {
        let Some(document) = &self.0 else { return Known::default() };
        let supported = document.types.iter().find(|supported| supported.hook == hook.as_str());
        Known {
            needs: supported.and_then(|supported| supported.needs.clone()).map(Into::into),
            modes: Some(document.modes.clone().into()),
        }
    }

    /// Name and version.
    pub(in crate::policy) fn software(&self) -> Option<(String, String)> {
        self.0.as_ref().map(|document| (document.sidecar.name.clone(), document.sidecar.version.clone()))
    }
}

impl Document for Sidecar {
    const WELL_KNOWN: &'static str = WELL_KNOWN;

    fn read(origin: &Origin, body: &[u8]) -> Result<Self, Failed> {
        let mut document: PolicyDocument = serde_json::from_slice(body)
            .map_err(|e| Failed::new(FailureCode::Schema, format!("the discovery document: {e}")))?;
        // Whoever answers for another sidecar must not be believed.
        if document.sidecar.id != origin.id {
            let detail = "the discovery document is of another sidecar than the registered one";
            return Err(Failed::new(FailureCode::IdMismatch, detail));
        }
        if !document.protocols.iter().any(|version| version.split('.').next() == Some("1")) {
            let detail = "the sidecar does not speak version 1 of the protocol";
            return Err(Failed::new(FailureCode::NotImplemented, detail));
        }
        document.decision_endpoint = origin.endpoint(&document.decision_endpoint)?;
        Ok(Self(Some(Arc::new(document))))
    }
}
