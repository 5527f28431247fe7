//! Requests that wait for a user who is elsewhere (OpenID CIBA): a small page for the phone, where the user sees what is
//! asked and answers it.
//!
//! Whoever opens it needs a [`pass`]. No browser is bound to such an interaction: the page answers only what the list of this
//! very user holds.

use askama::Template;
use bytes::Bytes;
use http::StatusCode;
use placet_sdk::{
    Instant,
    interaction::{
        Answer, AuthAnswer, AuthPrompt, Body, DenyAnswer, DenyError, Kind, Prompt, SessionAction,
        SessionAnswer,
    },
};
use warp::reply::Response;

use crate::{
    failure::Failure,
    flow::strength,
    form::Form,
    page::{self, Client, Shell},
    pass::{self, Door, Pass},
    step::Step,
    visit::Visit,
};

/// The path.
pub(crate) const PATH: &str = "approve";

/// No more than the password: a request that wants a second factor asks for it.
static DOOR: Door = Door { path: PATH, words: |t| [t.approve.title, t.approve.enter], both: false };

#[derive(Template)]
#[template(path = "approve.html")]
struct ApprovePage<'a> {
    shell: Shell<'a>,
    csrf: String,
    name: String,
    requests: Vec<Request>,
}

/// A request as the page shows it.
struct Request {
    id: String,
    client: Client,
    title: String,
    message: Option<String>,
    wants: Vec<String>,
}

/// `GET /approve`.
pub(crate) async fn show(visit: Visit) -> Response {
    pass::show(&visit, &DOOR, list).await
}

/// `POST /approve`.
pub(crate) async fn submit(visit: Visit, body: Bytes) -> Response {
    pass::take(&visit, &DOOR, &body, act).await
}

async fn act(visit: &Visit, form: &Form, pass: &Pass) -> Result<Response, Failure> {
    // What was answered on another device meanwhile, or has expired, is not in the list any more.
    let waiting = visit.app.api.waiting("ciba", &pass.user.sub).await?.items;
    let Some(prompt) = waiting.into_iter().find(|prompt| prompt.id == form.text("id")) else {
        return Ok(enter(visit));
    };
    match form.text("action") {
        "deny" => {
            let denial = DenyAnswer { error: Some(DenyError::AccessDenied), ..DenyAnswer::default() };
            visit.app.api.answer(&prompt.id, prompt.step, &Answer::Deny(denial)).await?;
            Ok(enter(visit))
        }
        "review" => review(visit, pass, &prompt).await,
        _ => Err(Failure::Malformed),
    }
}

/// To the page of consent. The pass that opened this page is the authentication, if that is strong and fresh enough; else the
/// login page asks for more.
async fn review(visit: &Visit, pass: &Pass, prompt: &Prompt) -> Result<Response, Failure> {
    let next = match &prompt.body {
        Body::Auth { auth } => match answer(visit, pass, auth) {
            Some(answer) => visit.app.api.answer(&prompt.id, prompt.step, &answer).await?,
            None => prompt.clone(),
        },
        _ => prompt.clone(),
    };
    Ok(page::redirect(visit, &Step::of(&next).href(&next.id)))
}

fn answer(visit: &Visit, pass: &Pass, auth: &AuthPrompt) -> Option<Answer> {
    let Pass { user, both, .. } = pass;
    let acr = strength::of_pass(auth, &visit.app.means, (user, *both)).ok()?;
    // A prompt that came back was not content with it.
    if auth.attempt > 1 {
        return None;
    }
    Some(Answer::Auth(AuthAnswer {
        sub: user.sub.clone(),
        authenticated_at: Some(Instant(pass.given_at())),
        acr: acr.map(str::to_owned),
        amr: strength::methods(*both),
        session: SessionAnswer {
            action: SessionAction::None,
            claims: Some(user.session_claims()),
            ..SessionAnswer::default()
        },
    }))
}

async fn list(visit: &Visit, pass: &Pass) -> Result<Response, Failure> {
    let waiting = visit.app.api.waiting("ciba", &pass.user.sub).await?.items;
    let shell = Shell::new(visit, None);
    let t = shell.t;
    let requests = waiting.iter().filter_map(|prompt| {
        let client = Client::new(prompt.client.as_ref()?, visit.app.dev);
        let scope = prompt.request.as_ref().map(|request| request.scope.as_slice()).unwrap_or_default();
        Some(Request {
            id: prompt.id.clone(),
            title: t.approve.asks.say(&client.name),
            message: prompt.ciba.as_ref().and_then(|ciba| ciba.binding_message.clone()),
            wants: scope
                .iter()
                .map(|value| t.scope(value).map_or_else(|| value.clone(), |(title, _)| title.to_owned()))
                .collect(),
            client,
        })
    });
    let page = ApprovePage {
        csrf: pass.token(visit),
        name: pass.user.display_name(t.tag).to_owned(),
        requests: requests.collect(),
        shell,
    };
    Ok(page::send(visit, StatusCode::OK, &page.shell.nonce, &page))
}

/// Whether the page of a prompt is not for this browser: it belongs to a request that waits for a user, and this is not
/// the page of that user. The page to sign in is for everybody.
pub(crate) async fn is_of_another(visit: &Visit, prompt: &Prompt) -> Result<bool, Failure> {
    let open = prompt.kind == Kind::Ciba && !prompt.body.is_terminal();
    if !open || matches!(prompt.body, Body::Auth { .. }) {
        return Ok(false);
    }
    let Some(pass) = pass::held(visit) else { return Ok(true) };
    let waiting = visit.app.api.waiting("ciba", &pass.user.sub).await?.items;
    Ok(!waiting.iter().any(|own| own.id == prompt.id))
}

/// To the page where the user signs in and finds what waits.
pub(crate) fn enter(visit: &Visit) -> Response {
    pass::back(visit, &DOOR)
}
