//! Reading token requests, and writing what comes of them.

use serde_json::json;

use super::*;

fn parse(form: &str) -> Result<TokenRequest, OAuthError> {
    TokenRequest::parse(&Params::parse(form.as_bytes()).unwrap())
}

fn refusal(form: &str) -> (ErrorCode, String) {
    let error = parse(form).unwrap_err();
    (error.code, error.description)
}

#[test]
fn a_code_comes_with_its_redirect_uri_and_verifier() {
    let request =
        parse("grant_type=authorization_code&code=c&redirect_uri=https://a&code_verifier=v").unwrap();
    assert_eq!(
        request,
        TokenRequest::AuthorizationCode {
            code: Secret::new("c"),
            redirect_uri: Some("https://a".to_owned()),
            code_verifier: Some(Secret::new("v")),
            asked: Asked::default(),
        }
    );
    assert_eq!(request.grant_type(), GrantType::AuthorizationCode);
}

#[test]
fn a_refresh_token_may_come_with_a_scope() {
    let refresh_token = Secret::new("r");
    let with = |scope| TokenRequest::RefreshToken {
        refresh_token: refresh_token.clone(),
        asked: Asked { scope, ..Asked::default() },
    };
    assert_eq!(parse("grant_type=refresh_token&refresh_token=r"), Ok(with(None)));
    let scope = Some(Scope::from_values(["a", "b"]));
    assert_eq!(parse("grant_type=refresh_token&refresh_token=r&scope=a+b"), Ok(with(scope)));
}

#[test]
fn a_client_may_name_several_resources() {
    let form = "grant_type=client_credentials&resource=https://a.example/&resource=urn:b&resource=urn:b";
    let resources = vec!["https://a.example/".to_owned(), "urn:b".to_owned()];
    let asked = Asked { resources, ..Asked::default() };
    assert_eq!(parse(form), Ok(TokenRequest::ClientCredentials { asked }));
    let many = (0..=32).fold(String::new(), |form, i| form + "&resource=urn:a:" + &i.to_string());
    assert_eq!(refusal(&format!("grant_type=client_credentials{many}")).0, ErrorCode::InvalidTarget);
}

#[test]
fn every_grant_type_reads_resources_and_details() {
    let more = "&resource=urn:b&authorization_details=%5B%7B%22type%22%3A%22pay%22%7D%5D&scope=a";
    let wrong = "&authorization_details=%7B%7D";
    for grant_type in GrantType::ALL.into_iter().filter(|grant| grant.at_token_endpoint()) {
        let form = format!(
            "grant_type={}&code=c&refresh_token=r&username=u&password=p&assertion=a&subject_token=s\
             &device_code=d&auth_req_id=i&subject_token_type={}",
            grant_type.as_str(),
            TokenType::AccessToken.as_str()
        );
        assert_eq!(refusal(&format!("{form}{wrong}")).0, ErrorCode::InvalidAuthorizationDetails);
        let asked = match parse(&format!("{form}{more}")).unwrap() {
            TokenRequest::AuthorizationCode { asked, .. }
            | TokenRequest::DeviceCode { asked, .. }
            | TokenRequest::Ciba { asked, .. } => {
                assert_eq!(asked.scope, None, "it has the scope that was granted");
                asked
            }
            TokenRequest::RefreshToken { asked, .. }
            | TokenRequest::ClientCredentials { asked }
            | TokenRequest::Password { asked, .. }
            | TokenRequest::JwtBearer { asked, .. }
            | TokenRequest::Saml2Bearer { asked, .. } => asked,
            TokenRequest::TokenExchange(exchange) => exchange.asked,
        };
        assert_eq!(asked.resources, ["urn:b"]);
        assert_eq!(json!(asked.details), json!([{ "type": "pay" }]));
    }
}

#[test]
fn a_resource_is_an_absolute_uri_without_a_fragment() {
    for resource in ["api", "/api", "https://a.example/%23x%23", "https:a.example", "https://a%20b/", "urn:"]
    {
        let form = format!("grant_type=client_credentials&resource={resource}");
        assert_eq!(refusal(&form).0, ErrorCode::InvalidTarget, "{resource}");
    }
}

#[test]
fn the_grant_type_is_required_and_has_to_be_known() {
    assert_eq!(refusal("code=c"), (ErrorCode::InvalidRequest, "missing parameter `grant_type`".to_owned()));
    for name in ["implicit", "Password", "Refresh_Token"] {
        let expected = (ErrorCode::UnsupportedGrantType, format!("unsupported `grant_type` `{name}`"));
        assert_eq!(refusal(&format!("grant_type={name}&code=c")), expected);
    }
    for grant_type in GrantType::ALL {
        let form = format!(
            "grant_type={}&code=c&refresh_token=r&username=u&password=p&assertion=a\
             &device_code=d&auth_req_id=i&subject_token=s&subject_token_type={}",
            grant_type.as_str(),
            TokenType::AccessToken.as_str()
        );
        assert_eq!(parse(&form).is_ok(), grant_type.at_token_endpoint());
    }
}

#[test]
fn a_token_is_required_and_has_a_longest_length() {
    for (grant_type, name) in [("authorization_code", "code"), ("refresh_token", "refresh_token")] {
        let form = |token: &str| format!("grant_type={grant_type}&{name}={token}");
        assert_eq!(refusal(&form("")).1, format!("missing parameter `{name}`"));
        assert!(parse(&form(&"x".repeat(4096))).is_ok());
        assert_eq!(refusal(&form(&"x".repeat(4097))).1, format!("parameter `{name}` is too long"));
    }
}

#[test]
fn a_malformed_scope_is_refused() {
    assert_eq!(refusal("grant_type=client_credentials&scope=%22").0, ErrorCode::InvalidScope);
}

#[test]
fn debug_shows_no_tokens() {
    let request = parse("grant_type=authorization_code&code=hunter2&code_verifier=hunter3").unwrap();
    assert!(!format!("{request:?}").contains("hunter"));
}

#[test]
fn the_response_leaves_out_what_there_is_not() {
    let mut response = TokenResponse {
        access_token: Secret::new("a"),
        issued_token_type: None,
        token_type: Scheme::Bearer,
        expires_in: 300,
        refresh_token: None,
        id_token: None,
        device_secret: None,
        scope: Scope::empty(),
        details: None,
        extra: Map::new(),
    };
    assert_eq!(response.to_json(), json!({"access_token": "a", "token_type": "Bearer", "expires_in": 300}));
    response.refresh_token = Some(Secret::new("r"));
    response.id_token = Some(Secret::new("i"));
    response.device_secret = Some(Secret::new("d"));
    response.scope = Scope::from_values(["openid", "email"]);
    response.details = Some(Vec::new());
    let expected = json!({
        "access_token": "a", "token_type": "Bearer", "expires_in": 300,
        "refresh_token": "r", "id_token": "i", "device_secret": "d", "scope": "openid email", "authorization_details": [],
    });
    assert_eq!(response.to_json(), expected);
}

#[test]
fn a_token_exchange_says_what_it_issued_and_how_that_is_used() {
    let mut response = TokenResponse {
        access_token: Secret::new("a"),
        issued_token_type: Some(TokenType::Jwt),
        token_type: Scheme::Bearer,
        expires_in: 300,
        refresh_token: None,
        id_token: None,
        device_secret: None,
        scope: Scope::empty(),
        details: None,
        extra: Map::new(),
    };
    assert_eq!(response.to_json()["token_type"], "Bearer");
    assert_eq!(response.to_json()["issued_token_type"], "urn:ietf:params:oauth:token-type:jwt");
    response.token_type = Scheme::Dpop;
    assert_eq!(response.to_json()["token_type"], "DPoP");
    response.issued_token_type = Some(TokenType::IdToken);
    assert_eq!(response.to_json()["token_type"], "N_A");
}
