//! A browser that knows as much HTML as the tests need.

use std::{collections::BTreeMap, sync::Mutex};

use http::{HeaderMap, StatusCode, header};

/// A browser with its cookies.
pub(crate) struct Browser {
    http: reqwest::Client,
    base: String,
    cookies: Mutex<BTreeMap<String, String>>,
    language: Option<&'static str>,
    agent: Option<&'static str>,
    site: Option<&'static str>,
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
            cookies: Mutex::default(),
            language: None,
            agent: None,
            site: None,
        }
    }

    pub(crate) fn speaking(self, language: &'static str) -> Self {
        Self { language: Some(language), ..self }
    }

    /// With this `User-Agent`.
    pub(crate) fn called(self, agent: &'static str) -> Self {
        Self { agent: Some(agent), ..self }
    }

    /// With this `Sec-Fetch-Site`: what made it send its requests.
    pub(crate) fn sent_by(self, site: &'static str) -> Self {
        Self { site: Some(site), ..self }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Has this cookie from now on.
    pub(crate) fn keep(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// The same browser at another address.
    pub(crate) fn to(self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// Goes where the server of the app sends a browser, and on until a page comes.
    pub(crate) async fn open(&self, interaction: &str) -> Page {
        let mut page = self.get(&format!("/?interaction={interaction}&iss=https%3A%2F%2Fas.example")).await;
        while let Some(next) = page.location().filter(|to| to.starts_with('/')) {
            page = self.get(&next).await;
        }
        page
    }

    /// Sends the form of a page: its hidden fields and these.
    pub(crate) async fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let mut all = page.hidden();
        for (name, value) in fields {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(&page.action(), &all).await
    }

    /// Posts a form of any content.
    pub(crate) async fn post(&self, path: &str, fields: &[(String, String)]) -> Page {
        self.send(self.http.post(format!("{}{path}", self.base)).form(fields)).await
    }

    /// Posts a body as it is.
    pub(crate) async fn post_raw(&self, path: &str, media_type: &str, body: String) -> Page {
        let request = self.http.post(format!("{}{path}", self.base)).header(header::CONTENT_TYPE, media_type);
        self.send(request.body(body)).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(language) = self.language {
            request = request.header(header::ACCEPT_LANGUAGE, language);
        }
        if let Some(agent) = self.agent {
            request = request.header(header::USER_AGENT, agent);
        }
        if let Some(site) = self.site {
            request = request.header("sec-fetch-site", site);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if line.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page { status, headers, body: response.text().await.unwrap() }
    }
}

impl Page {
    pub(crate) fn location(&self) -> Option<String> {
        self.headers.get(header::LOCATION).map(|v| v.to_str().unwrap().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    /// Whether an element has that id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.body.contains(&format!("id=\"{id}\""))
    }

    /// The tag with that id.
    pub(crate) fn tag(&self, id: &str) -> &str {
        let at =
            self.body.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no `{id}` in {}", self.body));
        let start = self.body[..at].rfind('<').unwrap();
        let end = at + self.body[at..].find('>').unwrap();
        &self.body[start..=end]
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    pub(crate) fn action(&self) -> String {
        between(&self.body, "method=\"post\" action=\"", "\"").expect("a form").to_owned()
    }

    /// The hidden fields of the first form.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let form = self.body.split("</form>").next().unwrap();
        form.split("<input type=\"hidden\" name=\"")
            .skip(1)
            .map(|rest| {
                let name = rest.split('"').next().unwrap();
                let value = between(rest, "value=\"", "\"").unwrap();
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let end = start + text[start..].find(after)?;
    Some(&text[start..end])
}
