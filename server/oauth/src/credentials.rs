//! How a client says who it is (RFC 6749 section 2.3.1). Whether it is true is for the store to say.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    client::AuthMethod,
    error::OAuthError,
    id::{ClientId, Secret},
    jwt,
    params::{Params, decode},
};

/// The type of a JWT that authenticates a client (RFC 7523 section 2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client presented, one variant for each method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A name and no proof in the request: of public clients, and of those whose proof is the certificate of the
    /// connection (RFC 8705 section 2).
    None {
        /// Who the client says it is.
        client_id: ClientId,
    },
    /// Name and password in the `Authorization` header.
    SecretBasic {
        /// Who the client says it is.
        client_id: ClientId,
        /// Its password.
        secret: Secret,
    },
    /// Name and password in the body.
    SecretPost {
        /// Who the client says it is.
        client_id: ClientId,
        /// Its password.
        secret: Secret,
    },
    /// A JWT about the client itself (RFC 7523 section 2.2).
    Assertion {
        /// Who the JWT says the client is.
        client_id: ClientId,
        /// The JWT.
        assertion: Secret,
        /// `private_key_jwt` or `client_secret_jwt`, by the algorithm of its signature.
        method: AuthMethod,
    },
}

impl Credentials {
    /// Who the client says it is.
    pub fn client_id(&self) -> &ClientId {
        match self {
            Self::None { client_id }
            | Self::SecretBasic { client_id, .. }
            | Self::SecretPost { client_id, .. }
            | Self::Assertion { client_id, .. } => client_id,
        }
    }

    /// Whether they are those of the method that the client is registered for.
    pub fn fit(&self, registered: AuthMethod) -> bool {
        match self {
            Self::None { .. } => registered == AuthMethod::None || registered.needs_certificate(),
            Self::SecretBasic { .. } => registered == AuthMethod::ClientSecretBasic,
            Self::SecretPost { .. } => registered == AuthMethod::ClientSecretPost,
            Self::Assertion { method, .. } => registered == *method,
        }
    }
}

/// Reads the credentials from the value of the `Authorization` header and the parameters of the body.
///
/// # Errors
///
/// `invalid_request` for more than one method (RFC 6749 section 2.3) or a `client_id` in the body that is not
/// the one of the header; `invalid_client` for no credentials, malformed ones, a method the server does not have, or
/// an assertion about somebody else.
pub fn parse(authorization: Option<&str>, params: &Params) -> Result<Credentials, OAuthError> {
    let in_header = authorization.is_some();
    let in_body = params.contains("client_secret");
    let assertion = params.contains("client_assertion") || params.contains("client_assertion_type");
    if [in_header, in_body, assertion].into_iter().filter(|used| *used).count() > 1 {
        return Err(OAuthError::invalid_request("more than one method of client authentication"));
    }
    let named = params.get("client_id");
    if assertion {
        return of_assertion(params, named);
    }
    if let Some(authorization) = authorization {
        let (client_id, secret) = basic(authorization)?;
        if named.is_some_and(|named| named != client_id.as_str()) {
            return Err(OAuthError::invalid_request(
                "`client_id` is not the one of the authorization header",
            ));
        }
        return Ok(Credentials::SecretBasic { client_id, secret });
    }
    let secret = params.get("client_secret").map(Secret::new);
    let Some(named) = named else {
        let description =
            if secret.is_some() { "`client_secret` without `client_id`" } else { "no client credentials" };
        return Err(OAuthError::invalid_client(description));
    };
    let client_id =
        ClientId::parse(named).ok_or_else(|| OAuthError::invalid_client("`client_id` is malformed"))?;
    Ok(match secret {
        Some(secret) => Credentials::SecretPost { client_id, secret },
        None => Credentials::None { client_id },
    })
}

/// Reads who a JWT says the client is. Nothing of it is verified here.
fn of_assertion(params: &Params, named: Option<&str>) -> Result<Credentials, OAuthError> {
    match params.get("client_assertion_type") {
        Some(JWT_BEARER) => {}
        Some(_) => return Err(OAuthError::invalid_client("this `client_assertion_type` is not supported")),
        None => return Err(OAuthError::invalid_client("`client_assertion` without `client_assertion_type`")),
    }
    let compact = params
        .get("client_assertion")
        .ok_or_else(|| OAuthError::invalid_client("`client_assertion_type` without `client_assertion`"))?;
    let parsed = jwt::parse(compact)
        .map_err(|error| OAuthError::invalid_client(format!("`client_assertion`: {error}")))?;
    let client_id = parsed
        .claims
        .get("sub")
        .and_then(serde_json::Value::as_str)
        .and_then(ClientId::parse)
        .ok_or_else(|| OAuthError::invalid_client("`client_assertion`: `sub` does not name a client"))?;
    // RFC 7521 section 4.2: the parameter is not needed, but must not name another client.
    if named.is_some_and(|named| named != client_id.as_str()) {
        return Err(OAuthError::invalid_client("`client_id` is not the subject of `client_assertion`"));
    }
    let method = if parsed.header.alg.starts_with("HS") {
        AuthMethod::ClientSecretJwt
    } else {
        AuthMethod::PrivateKeyJwt
    };
    Ok(Credentials::Assertion { client_id, assertion: Secret::new(compact), method })
}

/// Reads `Basic` credentials. Name and password are form-encoded before they are joined, which is what lets
/// them hold a colon.
fn basic(authorization: &str) -> Result<(ClientId, Secret), OAuthError> {
    let (scheme, encoded) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(OAuthError::invalid_client("the authorization header has to be of the scheme `Basic`"));
    }
    let malformed = || OAuthError::invalid_client("the `Basic` credentials are malformed");
    let decoded = STANDARD.decode(encoded.trim_matches(' ')).map_err(|_| malformed())?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or_else(malformed)?;
    let client_id = decode(&decoded[..colon]).ok_or_else(malformed)?;
    let secret = decode(&decoded[colon + 1..]).filter(|secret| !secret.is_empty()).ok_or_else(malformed)?;
    Ok((ClientId::parse(&client_id).ok_or_else(malformed)?, Secret::new(secret)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{error::ErrorCode, params::encode_form};

    fn read(authorization: Option<&str>, form: &str) -> Result<Credentials, OAuthError> {
        parse(authorization, &Params::parse(form.as_bytes()).unwrap())
    }

    fn header(plain: &str) -> String {
        format!("Basic {}", STANDARD.encode(plain))
    }

    fn id(text: &str) -> ClientId {
        ClientId::parse(text).unwrap()
    }

    #[test]
    fn each_method_is_recognised() {
        let (client_id, secret) = (id("app"), Secret::new("s"));
        let none = Credentials::None { client_id: client_id.clone() };
        let basic = Credentials::SecretBasic { client_id: client_id.clone(), secret: secret.clone() };
        let post = Credentials::SecretPost { client_id, secret };
        for (read, expected, method) in [
            (read(None, "client_id=app"), none, AuthMethod::None),
            (read(Some(&header("app:s")), ""), basic.clone(), AuthMethod::ClientSecretBasic),
            (read(Some(&header("app:s")), "client_id=app"), basic, AuthMethod::ClientSecretBasic),
            (read(None, "client_id=app&client_secret=s"), post, AuthMethod::ClientSecretPost),
        ] {
            let read = read.unwrap();
            assert_eq!(read, expected);
            for other in AuthMethod::ALL {
                let by_certificate = method == AuthMethod::None && other.needs_certificate();
                assert_eq!(read.fit(other), other == method || by_certificate);
            }
            assert_eq!(read.client_id().as_str(), "app");
        }
    }

    #[test]
    fn the_scheme_may_be_written_in_any_case() {
        for scheme in ["basic", "BASIC", "bAsIc"] {
            assert!(read(Some(&header("app:s").replace("Basic", scheme)), "").is_ok());
        }
    }

    #[test]
    fn both_halves_of_basic_are_form_encoded() {
        let Ok(Credentials::SecretBasic { client_id, secret }) =
            read(Some(&header("a%3Ab+c:p%2B+%25:x")), "")
        else {
            panic!("the credentials are well formed");
        };
        assert_eq!(client_id.as_str(), "a:b c");
        assert_eq!(secret.expose(), "p+ %:x");
    }

    #[test]
    fn malformed_credentials_are_an_invalid_client() {
        for authorization in [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic YXBwOnM",
            "Bearer abc",
            "Digest username=\"app\"",
            "BasicYXBwOnM=",
            "",
            &header("app"),
            &header("app:"),
            &header(":s"),
            &header("app:%zz"),
            &header("a%00:s"),
            &header("ä:s"),
        ] {
            let error = read(Some(authorization), "").unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidClient, "{authorization}");
        }
        for form in ["", "client_secret=s", "client_id=%C3%A4", "client_id=a%0Ab&client_secret=s"] {
            assert_eq!(read(None, form).unwrap_err().code, ErrorCode::InvalidClient, "{form}");
        }
        assert_eq!(read(None, "").unwrap_err().description, "no client credentials");
    }

    #[test]
    fn more_than_one_method_is_refused() {
        let basic = header("app:s");
        for (authorization, form) in [
            (Some(basic.as_str()), "client_id=app&client_secret=s"),
            (Some(basic.as_str()), "client_secret=s"),
            (Some(basic.as_str()), "client_assertion=x"),
            (None, "client_id=app&client_secret=s&client_assertion=x"),
        ] {
            let error = read(authorization, form).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest, "{form}");
            assert_eq!(error.description, "more than one method of client authentication");
        }
    }

    #[test]
    fn header_and_body_have_to_name_the_same_client() {
        let error = read(Some(&header("app:s")), "client_id=other").unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
    }

    fn jwt(header: &str, claims: &str) -> String {
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.AAAA", encode(header), encode(claims))
    }

    fn asserted(assertion: &str, extra: &str) -> Result<Credentials, OAuthError> {
        let assertion = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
        read(None, &format!("{}{extra}", encode_form(assertion)))
    }

    #[test]
    fn an_assertion_names_the_client_and_its_algorithm_the_method() {
        let claims = r#"{"sub":"app"}"#;
        for (header, method) in [
            (r#"{"alg":"ES256"}"#, AuthMethod::PrivateKeyJwt),
            (r#"{"alg":"HS256"}"#, AuthMethod::ClientSecretJwt),
        ] {
            for extra in ["", "&client_id=app"] {
                let read = asserted(&jwt(header, claims), extra).unwrap();
                assert_eq!(read.client_id().as_str(), "app");
                assert!(AuthMethod::ALL.into_iter().all(|other| read.fit(other) == (other == method)));
            }
        }
    }

    #[test]
    fn an_assertion_is_never_taken_for_a_public_client() {
        let sound = jwt(r#"{"alg":"ES256"}"#, r#"{"sub":"app"}"#);
        for form in [
            "client_id=app&client_assertion=x".to_owned(),
            "client_id=app&client_assertion_type=y".to_owned(),
            format!("client_id=app&client_assertion={sound}"),
            format!("client_id=app&client_assertion={sound}&client_assertion_type=saml"),
            encode_form([("client_id", "app"), ("client_assertion_type", JWT_BEARER)]),
        ] {
            assert_eq!(read(None, &form).unwrap_err().code, ErrorCode::InvalidClient, "{form}");
        }
        for (header, claims) in [
            (r#"{"alg":"none"}"#, r#"{"sub":"app"}"#),
            (r#"{"alg":"ES256","jwk":{}}"#, r#"{"sub":"app"}"#),
            (r#"{"alg":"ES256"}"#, r#"{"iss":"app"}"#),
            (r#"{"alg":"ES256"}"#, r#"{"sub":""}"#),
        ] {
            let error = asserted(&jwt(header, claims), "&client_id=app").unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidClient, "{header} {claims}");
        }
        assert_eq!(asserted(&sound, "&client_id=other").unwrap_err().code, ErrorCode::InvalidClient);
    }

    #[test]
    fn no_error_repeats_a_secret() {
        let error = read(Some(&header("app:hunter2%zz")), "client_id=other").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }

    proptest! {
        #[test]
        fn what_a_client_encodes_is_read_back(name in "[ -~]{1,40}", password in "[^\0]{1,40}") {
            let encode = |text: &str| encode_form([("", text)])[1..].to_owned();
            let header = header(&format!("{}:{}", encode(&name), encode(&password)));
            let expected = Credentials::SecretBasic { client_id: id(&name), secret: Secret::new(password) };
            prop_assert_eq!(read(Some(&header), ""), Ok(expected));
        }
    }
}
