//! `DPoP` proofs (RFC 9449): a key for each connection, a proof for each request.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    nid::Nid,
    pkey::Private,
    rand::rand_bytes,
    sha::sha256,
};
use serde_json::json;

use super::{Place, TOKEN};
use crate::wire::{Broken, Wire};

/// Makes proofs.
pub(crate) struct Prover {
    key: EcKey<Private>,
    header: String,
    url: String,
    authorization: String,
}

impl Prover {
    /// With a new key on P-256.
    pub(crate) fn new(place: &Place, authorization: String) -> Result<Self, Broken> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = EcKey::generate(&group)?;
        let (mut x, mut y, mut context) = (BigNum::new()?, BigNum::new()?, BigNumContext::new()?);
        key.public_key().affine_coordinates(&group, &mut x, &mut y, &mut context)?;
        let coordinate =
            |number: &BigNum| number.to_vec_padded(32).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": coordinate(&x)?, "y": coordinate(&y)?});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        Ok(Self { key, header, url: format!("{}/token", place.issuer), authorization })
    }

    /// Asks for a token with a new proof.
    pub(super) async fn once(&self, wire: &mut Wire) -> Result<(), Broken> {
        let proof = self.proof()?;
        let headers = [("authorization", self.authorization.as_str()), ("dpop", &proof)];
        wire.form("/token", &headers, TOKEN).await?.having(StatusCode::OK)?;
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "a client has its own clock and chance")]
    fn proof(&self) -> Result<String, Broken> {
        let mut id = [0; 16];
        rand_bytes(&mut id)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let claims = json!({"jti": URL_SAFE_NO_PAD.encode(id), "htm": "POST", "htu": self.url, "iat": now});
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = EcdsaSig::sign(&sha256(signed.as_bytes()), &self.key)?;
        let mut bytes = signature.r().to_vec_padded(32)?;
        bytes.extend(signature.s().to_vec_padded(32)?);
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}
