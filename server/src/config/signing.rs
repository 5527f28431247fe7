//! What the server signs with.

use jsonwebtoken::Algorithm;
use placet_oauth::client::JwtResponse;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::Config;
use crate::keys::{SIGNING_ALGORITHMS, algorithm_name, parse_algorithm};

/// What signs where nobody chose and the usual algorithm is not used here, best first.
const NEXT_BEST: [Algorithm; 4] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::PS256, Algorithm::RS256];

/// Every algorithm that there is.
pub(super) fn all() -> Vec<String> {
    SIGNING_ALGORITHMS.map(|algorithm| algorithm_name(algorithm).to_owned()).to_vec()
}

/// The names of the algorithms.
pub(super) fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "enum": all() } })
}

impl Config {
    /// The algorithms that this server signs with, in the order in which they are announced.
    pub fn signing_algorithms(&self) -> Vec<Algorithm> {
        SIGNING_ALGORITHMS
            .into_iter()
            .filter(|algorithm| self.signs_with(algorithm_name(*algorithm)))
            .collect()
    }

    /// Whether this server signs with the algorithm of this name.
    pub fn signs_with(&self, name: &str) -> bool {
        parse_algorithm(name).is_some() && self.signing_algs.iter().any(|known| known == name)
    }

    /// What signs where nobody said otherwise: what the operator chose, or else the usual algorithm, or else the best of
    /// those that are used here.
    pub fn usual_signing_alg<'a>(&'a self, usual: &'a str) -> &'a str {
        let next_best = || NEXT_BEST.map(algorithm_name).into_iter().find(|name| self.signs_with(name));
        match &self.signing_alg {
            Some(chosen) => chosen,
            None if self.signs_with(usual) => usual,
            None => next_best().unwrap_or(usual),
        }
    }

    /// The algorithms that the configuration says something is signed with.
    pub fn signing_algs_in_use(&self) -> Vec<&str> {
        let mut all = vec![self.signing_alg.as_deref()];
        all.extend(self.resource.iter().map(|resource| resource.signing_alg.as_deref()));
        for client in &self.clients {
            all.extend(JwtResponse::ALL.map(|response| client.metadata.algs_of(response).signed));
            all.push(client.settings.access_token.signing_alg.as_deref());
        }
        all.into_iter().flatten().filter(|alg| self.signs_with(alg)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(algs: &[&str]) -> Config {
        Config { signing_algs: algs.iter().map(|alg| (*alg).to_owned()).collect(), ..Config::default() }
    }

    #[test]
    fn all_of_them_sign_unless_the_operator_says_which() {
        assert_eq!(Config::default().signing_algorithms(), SIGNING_ALGORITHMS);
        let some = config(&["ES256", "RS256", "none", "HS256"]);
        assert_eq!(some.signing_algorithms(), [Algorithm::RS256, Algorithm::ES256], "in the usual order");
        assert!(!some.signs_with("none") && !some.signs_with("HS256") && !some.signs_with("EdDSA"));
    }

    #[test]
    fn where_nobody_chose_the_usual_one_signs_or_the_next_best() {
        assert_eq!(Config::default().usual_signing_alg("EdDSA"), "EdDSA");
        assert_eq!(config(&["RS256", "PS256", "ES256"]).usual_signing_alg("EdDSA"), "ES256");
        assert_eq!(config(&["RS256"]).usual_signing_alg("ES256"), "RS256");
        let chosen = Config { signing_alg: Some("PS256".to_owned()), ..config(&["RS256", "PS256", "EdDSA"]) };
        assert_eq!(chosen.usual_signing_alg("EdDSA"), "PS256");
    }
}
