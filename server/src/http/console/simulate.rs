//! Asking the policies a question that somebody wrote, without any effect.

use askama::Template;
use http::Method;
use placet_oauth::claims::strict_json_bytes;
use serde_json::{Value, json};
use warp::reply::Response;

use super::{
    access::{Page, Visit},
    decisions::Today,
    frame::{Frame, answer, page},
    shown,
};
use crate::{
    config::AdminRole,
    http::{
        admin::{decisions::kept, policies::simulated},
        request::Request,
    },
    outcome::Outcome,
    problem::ApiFailure,
    server::Server,
};

#[derive(Template)]
#[template(path = "console/simulate.html")]
struct SimulatePage<'a> {
    frame: Frame<'a>,
    question: String,
    today: Option<Today>,
    /// Why the question cannot be asked: each pointer and what is wrong there.
    wrong: Vec<(String, String)>,
    policies: usize,
}

/// `GET` and `POST /console/simulate`.
pub(super) async fn simulate(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, try_out(&server, &request).await)
}

async fn try_out(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Policies)?;
    let (mut today, mut wrong, mut status) = (None, Vec::new(), 200);
    let question = if request.method == Method::POST {
        let form = visit.form()?;
        let question = form.get("question").unwrap_or_default().to_owned();
        match ask(server, &question).await {
            Ok(found) => today = Some(found),
            Err(ApiFailure::Problem(refused)) => {
                status = refused.status;
                wrong = refused.errors.iter().map(|e| (e.pointer.clone(), e.detail.clone())).collect();
                if wrong.is_empty() {
                    wrong.push((String::new(), refused.detail.clone().unwrap_or_default()));
                }
            }
            Err(other) => return Err(other.into()),
        }
        question
    } else {
        match visit.query()?.get("decision") {
            Some(id) => shown::json(&kept(server, id)?.question.unwrap_or_else(|| example(server.issuer()))),
            None => shown::json(&example(server.issuer())),
        }
    };
    let template = SimulatePage {
        frame: Frame::of(&visit, "simulate", "Simulate"),
        question,
        today,
        wrong,
        policies: server.policies().list().len(),
    };
    Ok(page(status, &template)?)
}

async fn ask(server: &Server, question: &str) -> Result<Today, ApiFailure> {
    let question = strict_json_bytes(question.as_bytes())
        .map_err(|reason| crate::problem::invalid_answer("", "malformed", &reason))?;
    let mut members = placet_sdk::grant::Object::new();
    members.insert("request".to_owned(), question);
    Ok(Today::of(&simulated(server, members).await?, None))
}

/// A question to begin with.
fn example(issuer: &str) -> Value {
    json!({
        "protocol": "1.0", "id": "dec_mine", "type": "grant.client_credentials", "mode": "enforce", "attempt": 1,
        "time": "2026-01-01T00:00:00Z", "deadline": "2026-01-01T00:00:01Z", "issuer": issuer,
        "chain": { "policy": "any", "position": 1, "of": 1 },
        "client": { "client_id": "demo", "type": "confidential" },
        "request": { "endpoint": "token" },
        "client_credentials": {},
        "proposal": { "grant": { "scope": ["reports.read"] } },
        "limits": { "grant": { "scope": ["reports.read"] } },
    })
}
