use super::*;
use crate::{
    client::ClientMetadata,
    error::{ErrorCode, OAuthError},
    params::Params,
};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn metadata(response_types: &[&str]) -> ClientMetadata {
    let response_types =
        response_types.iter().map(|name| ResponseType::parse(name).expect("known")).collect();
    ClientMetadata { response_types: Some(response_types), ..ClientMetadata::default() }
}

fn parse_for(
    metadata: &ClientMetadata,
    public: bool,
    query: &str,
) -> Result<AuthorizationRequest, OAuthError> {
    let raw = format!("client_id=c1&redirect_uri=https://a.example/cb&{query}");
    let destination = resolve_destination(raw.as_bytes(), &["https://a.example/cb".to_owned()])?;
    let known_scopes = ["openid", "email"].map(str::to_owned);
    let policy =
        RequestPolicy { metadata, public_client: public, require_pkce: false, known_scopes: &known_scopes };
    parse_request(&Params::parse(raw.as_bytes())?, &destination, &policy)
}

fn parse(query: &str) -> Result<AuthorizationRequest, OAuthError> {
    parse_for(&metadata(&["code", "id_token", "code id_token"]), false, query)
}

#[track_caller]
fn refuses(query: &str, code: ErrorCode) -> String {
    let error = parse(query).expect_err("should be refused");
    assert_eq!(error.code, code, "{}", error.description);
    error.description
}

fn resolve(raw: &str, registered: &[&str]) -> Result<Destination, OAuthError> {
    let registered: Vec<String> = registered.iter().map(|uri| (*uri).to_owned()).collect();
    resolve_destination(raw.as_bytes(), &registered)
}

#[test]
fn the_destination_is_a_registered_uri_that_is_given_once() {
    let destination = resolve("redirect_uri=https%3A%2F%2Fa.example%2Fcb&state=s", &["https://a.example/cb"]);
    let expected = Destination {
        redirect_uri: "https://a.example/cb".to_owned(),
        redirect_uri_given: true,
        response_mode: ResponseMode::Query,
        state: Some("s".to_owned()),
    };
    assert_eq!(destination, Ok(expected));
    for raw in [
        "redirect_uri=https://b.example/cb",
        "redirect_uri=https://a.example/cb&redirect_uri=https://a.example/cb",
        "redirect_uri=&redirect_uri=https://a.example/cb",
        "redirect_uri=https://a.example/cb&redirect%5Furi=https://b.example/cb",
        "redirect_uri=%zz",
    ] {
        let error = resolve(raw, &["https://a.example/cb"]).expect_err(raw);
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        assert!(!error.description.contains("b.example"));
    }
}

#[test]
fn the_redirect_uri_may_be_absent_only_for_oauth_with_one_uri() {
    let destination = resolve("scope=email", &["https://a.example/cb"]).expect("only one choice");
    assert!(!destination.redirect_uri_given);
    assert_eq!(destination.redirect_uri, "https://a.example/cb");
    assert!(resolve("redirect_uri=", &["https://a.example/cb"]).is_ok());
    assert!(resolve("scope=email+openid", &["https://a.example/cb"]).is_err());
    assert!(resolve("scope=email&scope=openid", &["https://a.example/cb"]).is_err());
    assert!(resolve("", &["https://a.example/cb", "https://b.example/cb"]).is_err());
    assert!(resolve("", &[]).is_err());
}

#[test]
fn errors_travel_the_way_that_the_client_asked_for_if_it_makes_sense() {
    let mode = |raw: &str| resolve(raw, &["https://a.example/cb"]).expect("one choice").response_mode;
    assert_eq!(mode("response_type=code"), ResponseMode::Query);
    assert_eq!(mode("response_type=id_token"), ResponseMode::Fragment);
    assert_eq!(mode("response_type=id_token&response_mode=form_post"), ResponseMode::FormPost);
    assert_eq!(mode("response_type=id_token&response_mode=query"), ResponseMode::Fragment);
    assert_eq!(mode("response_type=id_token&response_mode=web_message"), ResponseMode::Fragment);
    assert_eq!(mode("response_type=device&response_mode=fragment"), ResponseMode::Fragment);
    assert_eq!(mode("response_type=code&response_mode=jwt"), ResponseMode::QueryJwt);
    assert_eq!(mode("response_type=id_token&response_mode=jwt"), ResponseMode::FragmentJwt);
    assert_eq!(mode("response_type=id_token&response_mode=query.jwt"), ResponseMode::FragmentJwt);
    assert_eq!(mode("response_mode=form_post.jwt"), ResponseMode::FormPostJwt);
    assert_eq!(mode("response_mode=fragment&response_mode=query"), ResponseMode::Query);
}

#[test]
fn a_state_that_is_ambiguous_is_not_sent_back() {
    let state = |raw: &str| resolve(raw, &["https://a.example/cb"]).expect("one choice").state;
    assert_eq!(state("state=a&state=b"), None);
    assert_eq!(state("state=a"), Some("a".to_owned()));
}

#[test]
fn a_whole_request_is_read() {
    let request = parse(&format!(
        "response_type=code&scope=openid+email&state=s&nonce=n&code_challenge={CHALLENGE}\
         &code_challenge_method=S256&prompt=login+consent+login&max_age=60&acr_values=gold+silver&login_hint=l\
         &domain_hint=d&id_token_hint=h&ui_locales=fr-CA++en&claims_locales=de&display=popup\
         &claims=%7B%22id_token%22%3A%7B%22email%22%3Anull%7D%7D&resource=https://api.example&theme=dark",
    ))
    .expect("sound");
    assert!(request.is_openid());
    assert_eq!(request.client_id, "c1");
    assert_eq!(request.state.as_deref(), Some("s"));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert!(request.challenge.is_some());
    assert_eq!(request.prompt, [Prompt::Login, Prompt::Consent]);
    assert_eq!(request.max_age, Some(60));
    assert_eq!(request.acr_values, ["gold", "silver"]);
    assert_eq!(request.ui_locales, ["fr-CA", "en"]);
    assert_eq!(request.display.as_deref(), Some("popup"));
    assert!(request.claims.id_token.contains_key("email"));
    assert_eq!(request.resources, ["https://api.example"]);
    assert_eq!(request.extra, BTreeMap::from([("theme".to_owned(), vec!["dark".to_owned()])]));
    let stored = serde_json::to_string(&request).expect("can be written");
    let back: AuthorizationRequest = serde_json::from_str(&stored).expect("can be read");
    assert_eq!(serde_json::to_string(&back).expect("can be written"), stored);
}

#[test]
fn request_objects_are_refused_before_anything_else() {
    refuses("request=x", ErrorCode::RequestNotSupported);
    refuses("request_uri=https://a.example/r", ErrorCode::RequestUriNotSupported);
    refuses("registration=%7B%7D", ErrorCode::RegistrationNotSupported);
}

#[test]
fn the_response_type_is_required_supported_and_registered() {
    refuses("scope=openid", ErrorCode::InvalidRequest);
    refuses("response_type=device", ErrorCode::UnsupportedResponseType);
    let error = parse_for(&metadata(&["code"]), false, "response_type=id_token").expect_err("not registered");
    assert_eq!(error.code, ErrorCode::UnauthorizedClient);
    assert!(parse_for(&ClientMetadata::default(), false, "response_type=code").is_ok());
    assert!(parse("response_type=id_token+code&scope=openid&nonce=n").is_ok());
}

#[test]
fn tokens_do_not_travel_in_the_query() {
    let id_token = "response_type=id_token&scope=openid&nonce=n";
    refuses(&format!("{id_token}&response_mode=query"), ErrorCode::InvalidRequest);
    refuses(&format!("{id_token}&response_mode=query.jwt"), ErrorCode::InvalidRequest);
    refuses("response_type=code&response_mode=web_message", ErrorCode::InvalidRequest);
    assert_eq!(parse(id_token).expect("sound").response_mode, ResponseMode::Fragment);
    let posted = parse(&format!("{id_token}&response_mode=form_post"));
    assert_eq!(posted.expect("sound").response_mode, ResponseMode::FormPost);
}

#[test]
fn the_scope_is_limited_to_what_the_client_registered_or_else_to_what_the_server_knows() {
    assert!(parse("response_type=code").expect("sound").scope.is_empty());
    assert!(refuses("response_type=code&scope=admin", ErrorCode::InvalidScope).contains("`admin`"));
    let understood = parse("response_type=code&scope=openid+admin").expect("sound").scope;
    assert_eq!(understood.to_vec(), ["openid"], "an OpenID request may name what nobody here understands");
    let narrow = ClientMetadata { scope: Some("openid special".to_owned()), ..metadata(&["code"]) };
    assert!(parse_for(&narrow, false, "response_type=code&scope=special").is_ok());
    let error = parse_for(&narrow, false, "response_type=code&scope=email").expect_err("not registered");
    assert_eq!(error.code, ErrorCode::InvalidScope);
}

#[test]
fn an_id_token_from_the_front_channel_needs_openid_and_a_nonce() {
    refuses("response_type=id_token&scope=email&nonce=n", ErrorCode::InvalidRequest);
    let description = refuses("response_type=code+id_token&scope=openid", ErrorCode::InvalidRequest);
    assert!(description.contains("`nonce`"));
    assert!(parse("response_type=code&scope=openid").is_ok(), "the code flow needs no nonce");
}

#[test]
fn public_clients_must_use_pkce_with_codes() {
    let client = metadata(&["code", "id_token"]);
    let error = parse_for(&client, true, "response_type=code").expect_err("no challenge");
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    assert!(error.description.contains("`code_challenge`"));
    let pkce = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
    assert!(parse_for(&client, true, &format!("response_type=code&{pkce}")).is_ok());
    let implicit = format!("response_type=id_token&scope=openid&nonce=n&{pkce}");
    assert_eq!(parse_for(&client, true, &implicit).expect("sound").challenge, None);
    refuses(&format!("response_type=code&code_challenge={CHALLENGE}"), ErrorCode::InvalidRequest);
}

#[test]
fn prompts_must_be_known_and_none_stands_alone() {
    let prompt =
        |value: &str| parse(&format!("response_type=code&prompt={value}")).map(|request| request.prompt);
    assert_eq!(prompt("none").expect("sound"), [Prompt::None]);
    assert_eq!(prompt("none+none").expect("sound"), [Prompt::None]);
    assert_eq!(prompt("create").expect("sound"), [Prompt::Create]);
    assert_eq!(prompt("").expect("sound"), []);
    refuses("response_type=code&prompt=none+login", ErrorCode::InvalidRequest);
    refuses("response_type=code&prompt=dance", ErrorCode::InvalidRequest);
    for known in Prompt::ALL {
        assert_eq!(serde_json::to_value(known).expect("can be written"), known.as_str());
    }
}

#[test]
fn max_age_is_a_number_of_seconds() {
    for bad in ["-1", "%2B1", "1.5", "x", "99999999999999999999999"] {
        refuses(&format!("response_type=code&max_age={bad}"), ErrorCode::InvalidRequest);
    }
    assert_eq!(parse("response_type=code&max_age=0").expect("sound").max_age, Some(0));
}

#[test]
fn what_the_request_leaves_open_comes_from_the_client() {
    let client = ClientMetadata {
        default_max_age: Some(300),
        default_acr_values: Some(vec!["gold".to_owned()]),
        ..metadata(&["code"])
    };
    let request = parse_for(&client, false, "response_type=code").expect("sound");
    assert_eq!((request.max_age, request.acr_values), (Some(300), vec!["gold".to_owned()]));
    let request = parse_for(&client, false, "response_type=code&max_age=5&acr_values=x").expect("sound");
    assert_eq!((request.max_age, request.acr_values), (Some(5), vec!["x".to_owned()]));
}

#[test]
fn odd_values_are_refused() {
    refuses("response_type=code&display=cinema", ErrorCode::InvalidRequest);
    refuses("response_type=code&claims=%5B%5D", ErrorCode::InvalidRequest);
    for name in ["state", "nonce", "login_hint"] {
        assert!(parse(&format!("response_type=code&{name}={}", "x".repeat(2048))).is_ok());
        refuses(&format!("response_type=code&{name}={}", "x".repeat(2049)), ErrorCode::InvalidRequest);
    }
    assert!(parse(&format!("response_type=code&id_token_hint={}", "x".repeat(4096))).is_ok());
}

#[test]
fn the_key_of_a_code_is_announced_by_its_thumbprint() {
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let announced = |query: &str| parse(query).expect("a request").dpop_jkt.map(String::from);
    assert_eq!(announced(&format!("response_type=code&dpop_jkt={jkt}")).as_deref(), Some(jkt));
    assert_eq!(announced("response_type=code"), None);
    for bad in ["x", &jkt[1..], &format!("{jkt}AA")] {
        let text = refuses(&format!("response_type=code&dpop_jkt={bad}"), ErrorCode::InvalidRequest);
        assert!(text.contains("dpop_jkt"), "{text}");
    }
}
