//! Traces.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ClientCertificate;

/// Traces for OpenTelemetry, told to a collector by OTLP over HTTP in JSON. Without an endpoint there are none.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TracesConfig {
    /// The base URL of the collector, `https://collector.example:4318`, to which `/v1/traces` is added; `http:` on this machine
    /// only. Or `unix:///run/collector.sock:/v1/traces`, whole. Environment: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The part of the requests of which traces are told, from 0 to 1. A trace that goes on from a caller at the private
    /// listener is told of if that caller says so.
    pub sample_ratio: f64,
    /// What this server is called there. Environment: `OTEL_SERVICE_NAME`.
    pub service_name: String,
    /// File with a bearer token for the collector; read again when it is older than half a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<PathBuf>,
    /// The certificate that is shown to the collector, and who may vouch for its own.
    pub mtls: ClientCertificate,
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            sample_ratio: 1.0,
            service_name: "placet".to_owned(),
            bearer_file: None,
            mtls: ClientCertificate::default(),
        }
    }
}

impl TracesConfig {
    /// Where spans are posted.
    pub fn url(&self) -> Option<String> {
        let endpoint = self.endpoint.as_ref()?;
        if endpoint.starts_with("unix://") {
            return Some(endpoint.clone());
        }
        Some(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
    }
}
