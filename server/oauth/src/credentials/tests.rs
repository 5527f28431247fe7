use proptest::prelude::*;

use super::*;
use crate::{error::ErrorCode, params::encode_form};

fn read(authorization: Option<&str>, form: &str) -> Result<Credentials, OAuthError> {
    parse(authorization, &Params::parse(form.as_bytes()).unwrap(), None)
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
    let Ok(Credentials::SecretBasic { client_id, secret }) = read(Some(&header("a%3Ab+c:p%2B+%25:x")), "")
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
fn an_attestation_names_its_client_unless_the_body_does() {
    let claims = r#"{"sub":"wallet","exp":9,"cnf":{"jwk":{"kty":"OKP","crv":"Ed25519","x":"KEY"}}}"#
        .replace("KEY", &base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([7; 32]));
    let attestation = jwt(r#"{"typ":"oauth-client-attestation+jwt","alg":"ES256"}"#, &claims);
    let attested = |text: &str| Some(Attested { attestation: Secret::new(text), pop: None });
    let with = |authorization: Option<&str>, form: &str, text: &str| {
        parse(authorization, &Params::parse(form.as_bytes()).unwrap(), attested(text))
    };
    for (form, text, name) in [
        ("", attestation.as_str(), "wallet"),
        ("client_id=other", attestation.as_str(), "other"),
        ("client_id=other", "nonsense", "other"),
    ] {
        let read = with(None, form, text).unwrap();
        assert_eq!(read.client_id().as_str(), name);
        for method in AuthMethod::ALL {
            let fits = method.needs_attestation() || method.needs_certificate() || method == AuthMethod::None;
            assert_eq!(read.fit(method), fits, "{}", method.as_str());
        }
    }
    assert_eq!(with(None, "", "nonsense").unwrap_err().code, ErrorCode::InvalidClient);
    assert_eq!(with(None, "client_id=%C3%A4", &attestation).unwrap_err().code, ErrorCode::InvalidClient);
    // Beside another method it changes nothing.
    for (authorization, form) in [(Some(header("app:s")), ""), (None, "client_id=app&client_secret=s")] {
        let alone = read(authorization.as_deref(), form);
        assert_eq!(with(authorization.as_deref(), form, &attestation), alone);
    }
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
