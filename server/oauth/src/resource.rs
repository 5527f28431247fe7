//! Resources that tokens are for (RFC 8707): what their servers want of tokens, and what a token for several is.

use crate::{
    error::{ErrorCode, OAuthError},
    native_sso::DEVICE_SSO,
    scope::Scope,
};

pub mod metadata;

/// The scope values of OpenID Connect (Core sections 5.4 and 11): they are about the user and the client, and about no
/// resource, so that every token may carry them. `UserInfo` alone reads them, and wants the issuer in the audience.
pub const OPENID_SCOPE: [&str; 7] =
    ["openid", "profile", "email", "address", "phone", "offline_access", DEVICE_SSO];

/// How an access token looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFormat {
    /// A JWT (RFC 9068).
    Jwt,
    /// A random text, to be introspected.
    Opaque,
}

/// What a resource server wants of the tokens for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The scope values that it knows; none if it takes any.
    pub scope: Option<Scope>,
    /// How its tokens look; none leaves it to the client.
    pub format: Option<TokenFormat>,
    /// How long they live at the most, in seconds.
    pub lifetime: Option<u32>,
    /// The algorithm that signs them; none leaves it to the client.
    pub signing_alg: Option<String>,
    /// Whether they are encrypted to it.
    pub encrypted: bool,
    /// Whether they must be bound to a key by DPoP (RFC 9449).
    pub dpop: bool,
    /// Whether they must be bound to a client certificate (RFC 8705).
    pub certificate: bool,
}

impl Terms {
    /// The terms of one token for all of these resources.
    ///
    /// - A scope value is permitted if one of them knows it: whoever wants a value to count at one alone asks for a
    ///   token for that one (RFC 8707 section 2.2).
    /// - If one wants opaque tokens, the token is opaque: that one wants to be asked, and the others can ask.
    /// - The shortest life wins, and every demand for a binding.
    ///
    /// # Errors
    ///
    /// `invalid_target` if there is no such token: they want other signatures, or one of them wants it encrypted, which
    /// the others could not read.
    pub fn together<'a>(each: impl IntoIterator<Item = (&'a str, &'a Self)>) -> Result<Self, OAuthError> {
        let each: Vec<(&str, &Self)> = each.into_iter().collect();
        let [(first, terms), rest @ ..] = each.as_slice() else { return Ok(Self::default()) };
        let mut together = (*terms).clone();
        for (uri, terms) in rest {
            together.join(terms, (first, uri))?;
        }
        Ok(together)
    }

    fn join(&mut self, other: &Self, (first, second): (&str, &str)) -> Result<(), OAuthError> {
        let apart = |why: &str| {
            let text =
                format!("one token cannot be for `{first}` and `{second}`: {why}; ask for one of them");
            Err(OAuthError::new(ErrorCode::InvalidTarget, text))
        };
        if self.encrypted || other.encrypted {
            return apart("it would be encrypted to one of them alone");
        }
        match (&self.signing_alg, &other.signing_alg) {
            (Some(one), Some(another)) if one != another => return apart("they want other signatures"),
            (None, Some(alg)) => self.signing_alg = Some(alg.clone()),
            _ => {}
        }
        self.scope = match (self.scope.take(), &other.scope) {
            (Some(own), Some(more)) => Some(own.union(more)),
            _ => None,
        };
        self.format = match (self.format, other.format) {
            (Some(TokenFormat::Opaque), _) | (_, Some(TokenFormat::Opaque)) => Some(TokenFormat::Opaque),
            (own, more) => own.or(more),
        };
        self.lifetime = match (self.lifetime, other.lifetime) {
            (Some(own), Some(more)) => Some(own.min(more)),
            (own, more) => own.or(more),
        };
        self.dpop |= other.dpop;
        self.certificate |= other.certificate;
        Ok(())
    }

    /// What such a token carries of a scope.
    pub fn permit(&self, scope: &Scope) -> Scope {
        match &self.scope {
            None => scope.clone(),
            Some(known) => scope.intersect(&known.union(&Scope::from_values(OPENID_SCOPE))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(scope: &[&str]) -> Terms {
        Terms { scope: Some(Scope::from_values(scope.iter().copied())), ..Terms::default() }
    }

    fn both(one: &Terms, other: &Terms) -> Result<Terms, OAuthError> {
        let there = Terms::together([("https://a", one), ("https://b", other)]);
        let back = Terms::together([("https://b", other), ("https://a", one)]);
        assert_eq!(there.clone().map_err(|e| e.code), back.map_err(|e| e.code), "the order does not matter");
        there
    }

    #[test]
    fn a_token_carries_what_its_resources_know_and_the_scope_of_openid() {
        let asked = Scope::from_values(["openid", "email", "a", "b", "c"]);
        let permitted = |terms: &Terms| terms.permit(&asked).to_string();
        assert_eq!(permitted(&Terms::default()), "openid email a b c");
        assert_eq!(permitted(&terms(&["a", "x"])), "openid email a");
        assert_eq!(permitted(&terms(&[])), "openid email");
        assert_eq!(permitted(&both(&terms(&["a"]), &terms(&["b"])).unwrap()), "openid email a b");
        assert_eq!(permitted(&both(&terms(&["a"]), &Terms::default()).unwrap()), "openid email a b c");
        assert_eq!(terms(&["a"]).permit(&Scope::from_values(["b"])), Scope::empty());
    }

    #[test]
    fn opaque_wins_and_so_does_the_shortest_life() {
        let with = |format, lifetime| Terms { format, lifetime, ..Terms::default() };
        let (jwt, opaque) = (Some(TokenFormat::Jwt), Some(TokenFormat::Opaque));
        for (one, other, expected) in [
            (with(jwt, Some(60)), with(opaque, Some(30)), with(opaque, Some(30))),
            (with(None, None), with(opaque, Some(30)), with(opaque, Some(30))),
            (with(jwt, Some(20)), with(None, Some(30)), with(jwt, Some(20))),
            (with(None, None), with(None, None), with(None, None)),
        ] {
            assert_eq!(both(&one, &other), Ok(expected));
        }
    }

    #[test]
    fn a_demand_for_a_binding_is_one_of_the_token() {
        let (dpop, certificate) =
            (Terms { dpop: true, ..Terms::default() }, Terms { certificate: true, ..Terms::default() });
        assert_eq!(
            both(&dpop, &certificate),
            Ok(Terms { dpop: true, certificate: true, ..Terms::default() })
        );
        assert_eq!(both(&dpop, &Terms::default()), Ok(dpop));
    }

    #[test]
    fn there_is_no_token_for_resources_that_cannot_read_the_same() {
        let signed = |alg: &str| Terms { signing_alg: Some(alg.to_owned()), ..Terms::default() };
        let encrypted = Terms { encrypted: true, ..Terms::default() };
        for (one, other) in [
            (signed("ES256"), signed("RS256")),
            (encrypted.clone(), Terms::default()),
            (encrypted.clone(), encrypted.clone()),
        ] {
            let refused = both(&one, &other).unwrap_err();
            assert_eq!(refused.code, ErrorCode::InvalidTarget);
            assert!(refused.description.contains("`https://a` and `https://b`"), "{}", refused.description);
        }
        assert_eq!(both(&signed("ES256"), &signed("ES256")), Ok(signed("ES256")));
        assert_eq!(both(&signed("ES256"), &Terms::default()), Ok(signed("ES256")));
        assert_eq!(Terms::together([("https://a", &encrypted)]), Ok(encrypted));
        assert_eq!(Terms::together([]), Ok(Terms::default()));
    }
}
