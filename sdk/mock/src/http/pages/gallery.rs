//! The front page: every scenario with a link that starts it, and what was played last.

use askama::Template;
use warp::reply::Response;

use super::{message, style};
use crate::{
    DEVELOPMENT_TOKEN,
    run::{Run, Verdict},
    state::Shared,
};

/// So many runs are shown.
const SHOWN: usize = 8;

#[derive(Template)]
#[template(path = "gallery.html")]
struct Page<'a> {
    style: &'a str,
    ui: &'a str,
    api: String,
    token: Option<&'a str>,
    headless: bool,
    groups: Vec<Group<'a>>,
    runs: Vec<Played>,
}

struct Group<'a> {
    name: &'a str,
    anchor: String,
    cards: Vec<Card<'a>>,
}

struct Card<'a> {
    name: &'a str,
    title: &'a str,
    about: &'a str,
    /// The types of its prompts.
    steps: Vec<&'a str>,
}

struct Played {
    id: String,
    title: String,
    at: String,
    verdict: Mark,
}

/// A verdict as pages show it.
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) words: &'static str,
}

impl Mark {
    pub(super) fn of(run: &Run) -> Self {
        match run.verdict() {
            Verdict::Expected => Self { class: "ok", words: "as expected" },
            Verdict::Different(_) => Self { class: "bad", words: "not as expected" },
            Verdict::UnderWay(_) => Self { class: "open", words: "under way" },
        }
    }
}

/// The time of day of an instant.
pub(super) fn time(at: placet_sdk::Instant) -> String {
    at.to_string().get(11..19).map(|time| format!("{time} UTC")).unwrap_or_default()
}

/// The front page.
pub(super) fn page(state: &Shared) -> Response {
    let gallery = match state.gallery() {
        Ok(gallery) => gallery,
        Err(error) => return message(500, "The scenarios cannot be read", &error.to_string()),
    };
    let groups = gallery.groups().into_iter().map(|(name, scenarios)| Group {
        name,
        anchor: name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        cards: scenarios
            .into_iter()
            .map(|scenario| Card {
                name: &scenario.name,
                title: &scenario.title,
                about: &scenario.about,
                steps: scenario.steps.iter().filter_map(|step| step.prompt.get("type")?.as_str()).collect(),
            })
            .collect(),
    });
    let played = |run: Run| Played {
        id: run.id().to_owned(),
        title: run.scenario.title.clone(),
        at: time(run.facts.now),
        verdict: Mark::of(&run),
    };
    let page = Page {
        style: &style(),
        ui: state.settings.ui.as_str(),
        api: format!("{}/ui/v1", state.issuer),
        token: (state.settings.token == DEVELOPMENT_TOKEN).then_some(DEVELOPMENT_TOKEN),
        headless: state.settings.headless,
        groups: groups.collect(),
        runs: state.newest(SHOWN).into_iter().map(played).collect(),
    };
    super::page(200, &page)
}
