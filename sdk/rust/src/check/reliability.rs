//! Level Reliability.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

use super::{
    Context, Finding,
    core::sound,
    envelope::Ceiling,
    round::{again, question},
    sidecar::Answer,
};
use crate::decision::{DecisionRequest, Mode};

/// How many requests are sent at once.
const AT_ONCE: usize = 50;
/// How many connections are broken.
const BROKEN: usize = 10;

type Found = (&'static str, Finding);

pub(super) async fn check(context: &Context) -> Vec<Found> {
    vec![
        ("R1", Finding::of(repeated(context).await)),
        ("R2", Finding::of(at_once(context).await)),
        ("R4", side_effects(context).await),
        ("R3", Finding::of(broken(context).await)),
    ]
}

/// Sound questions, one of each type that was answered.
fn questions(context: &Context) -> Vec<Box<DecisionRequest>> {
    let good = context.rounds.iter().filter(|round| round.ceiling == Ceiling::Wide && round.good().is_some());
    good.map(|round| again(&round.request)).collect()
}

async fn repeated(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for first in questions(context) {
        let mut second = first.clone();
        second.attempt = 2;
        let (one, other) = (context.sidecar.ask(&first).await, context.sidecar.ask(&second).await);
        let said = match (one, other) {
            (Ok(one), Ok(other)) if other.status == 200 && one.json() == other.json() => continue,
            (Ok(_), Ok(other)) if other.status == 200 => "the decisions differ".to_owned(),
            (Ok(_), Ok(other)) => format!("the second attempt is answered with {}", other.shown()),
            (Err(error), _) | (_, Err(error)) => error,
        };
        found.push(format!("{}: {said}", first.hook));
    }
    found
}

async fn at_once(context: &Context) -> Vec<String> {
    let questions: Vec<_> =
        questions(context).iter().cycle().take(AT_ONCE).map(|question| again(question)).collect();
    let answers = join_all(questions.iter().map(|question| context.sidecar.ask(question))).await;
    let mut found = Vec::new();
    for (question, answer) in questions.iter().zip(answers) {
        let of_another = |answer: &Answer| {
            let id = answer.json()["id"].clone();
            questions.iter().any(|other| other.id != question.id && id == other.id.as_str())
        };
        match answer {
            Ok(answer) if answer.status != 200 => {
                found.push(format!("{}: answered with {}", question.hook, answer.shown()));
            }
            Ok(answer) if of_another(&answer) => {
                found.push(format!("{}: the answer is that of another request", question.hook));
            }
            Ok(_) => {}
            Err(error) => found.push(format!("{}: {error}", question.hook)),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

async fn side_effects(context: &Context) -> Finding {
    let Some(probe) = &context.options.probe else {
        return Finding::skipped("the kit was not told where side effects can be seen");
    };
    let look = async || match context.sidecar.get(probe).await {
        Ok(answer) if answer.status == 200 => Ok(answer.body),
        Ok(answer) => Err(format!("{probe}: answered with {}", answer.shown())),
        Err(error) => Err(format!("{probe}: {error}")),
    };
    let mut found = Vec::new();
    let tried: Result<(), String> = async {
        for request in questions(context) {
            for mode in [Mode::Test, Mode::Shadow] {
                let before = look().await?;
                let mut request = again(&request);
                request.mode = mode;
                context.sidecar.ask(&request).await?;
                if look().await? != before {
                    let mode = if mode == Mode::Test { "test" } else { "shadow" };
                    found.push(format!("{}: there are side effects in mode `{mode}`", request.hook));
                }
            }
        }
        Ok(())
    }
    .await;
    found.extend(tried.err());
    Finding::of(found)
}

async fn broken(context: &Context) -> Vec<String> {
    for _ in 0..BROKEN {
        // That a connection cannot be broken any more shows below.
        let _ = half_a_request(context).await;
        let _ = tokio::time::timeout(Duration::from_millis(1), context.sidecar.send(sound(context))).await;
    }
    let Some(request) = context.types.first().and_then(|hook| question(*hook, Ceiling::Wide).ok()) else {
        return Vec::new();
    };
    match context.sidecar.ask(&request).await {
        Ok(answer) if answer.status == 200 => Vec::new(),
        Ok(answer) => vec![format!("afterwards, a request is answered with {}", answer.shown())],
        Err(error) => vec![format!("afterwards: {error}")],
    }
}

async fn half_a_request(context: &Context) -> std::io::Result<()> {
    let message = sound(context);
    let Ok(url) = reqwest::Url::parse(&message.url) else { return Ok(()) };
    let headers: Vec<String> =
        message.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let half = if url.scheme() == "https" {
        // Half a greeting is what can be broken there.
        "\u{16}\u{3}\u{1}".to_owned()
    } else {
        format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\n{}\r\ncontent-length: {}\r\n\r\n{{",
            url.path(),
            url.authority(),
            headers.join("\r\n"),
            message.body.len(),
        )
    };
    if let Some(path) = context.sidecar.url.strip_prefix("unix://") {
        return abandon(UnixStream::connect(path).await?, &half).await;
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let host = url.host_str().unwrap_or_default();
    abandon(TcpStream::connect((host.trim_matches(['[', ']']), port)).await?, &half).await
}

async fn abandon(mut stream: impl AsyncWrite + Unpin, half: &str) -> std::io::Result<()> {
    stream.write_all(half.as_bytes()).await?;
    stream.flush().await
}
