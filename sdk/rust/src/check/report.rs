//! What a run found.

use std::fmt;

/// What a group of checks is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The protocol.
    Core,
    /// Who may ask, and what must not come out.
    Security,
    /// Repetition, load, broken connections.
    Reliability,
    /// The discovery document.
    Discovery,
    /// What the author expects.
    Cases,
}

impl Level {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Security => "security",
            Self::Reliability => "reliability",
            Self::Discovery => "discovery",
            Self::Cases => "cases",
        }
    }
}

/// A check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its id.
    pub id: &'static str,
    /// Its group.
    pub level: Level,
    /// What holds when it passes.
    pub title: &'static str,
}

const fn check(id: &'static str, level: Level, title: &'static str) -> Check {
    Check { id, level, title }
}

/// Every check, besides the author's cases.
pub const CHECKS: [Check; 29] = [
    check("C1", Level::Core, "a request is answered with a decision"),
    check("C2", Level::Core, "the id is repeated"),
    check("C3", Level::Core, "unknown members and headers are ignored"),
    check("C4", Level::Core, "an unknown type is answered with 501"),
    check("C5", Level::Core, "malformed JSON is answered with 400"),
    check("C6", Level::Core, "another content type is answered with 415"),
    check("C7", Level::Core, "what is set is within the limits"),
    check("C8", Level::Core, "what is required is set"),
    check("C9", Level::Core, "a denial has a code of its type"),
    check("C10", Level::Core, "GET and HEAD are not answered with 200"),
    check("C11", Level::Core, "an answer takes at most 80 % of the time there is"),
    check("C12", Level::Core, "a name twice, and JSON nested deeper than 32, are answered with 400"),
    check("S1", Level::Security, "a request without a signature is answered with 401"),
    check("S2", Level::Security, "a wrong signature is answered with 401"),
    check("S3", Level::Security, "a timestamp ten minutes off is answered with 401"),
    check("S4", Level::Security, "an altered body is answered with 401"),
    check("S5", Level::Security, "either of two signatures is accepted"),
    check("S6", Level::Security, "answers are signed with a secret of their own"),
    check("S7", Level::Security, "nothing is redirected"),
    check("S8", Level::Security, "no secret stands in an answer"),
    check("S9", Level::Security, "TLS is 1.2 or newer"),
    check("S10", Level::Security, "headers that differ from the body are answered with 400"),
    check("R1", Level::Reliability, "the same id gets the same decision"),
    check("R2", Level::Reliability, "fifty requests at once are answered"),
    check("R3", Level::Reliability, "broken connections do no harm"),
    check("R4", Level::Reliability, "the modes test and shadow have no side effects"),
    check("D1", Level::Discovery, "the discovery document is valid"),
    check("D2", Level::Discovery, "declared types are answered, and others with 501"),
    check("D3", Level::Discovery, "what is not declared as needed changes nothing"),
];

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It holds.
    Passed,
    /// It does not; each is a sentence.
    Failed(Vec<String>),
    /// It could not be tried.
    Skipped(String),
}

impl Finding {
    /// Passed, unless something was found.
    pub(super) fn of(found: Vec<String>) -> Self {
        if found.is_empty() { Self::Passed } else { Self::Failed(found) }
    }

    pub(super) fn skipped(why: &str) -> Self {
        Self::Skipped(why.to_owned())
    }
}

/// A check, or a case of the author, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The check's id; `case` for a case.
    pub id: String,
    /// Its group.
    pub level: Level,
    /// What holds when it passes; the name of a case.
    pub title: String,
    /// What was found.
    pub finding: Finding,
}

/// What a run found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The URL that was checked.
    pub url: String,
    /// The sidecar's name and version, and how many types were tried.
    pub about: String,
    /// One entry per check and case.
    pub checked: Vec<Checked>,
}

impl Report {
    /// Whether nothing failed.
    pub fn passed(&self) -> bool {
        self.failed().is_empty()
    }

    /// The ids of what failed.
    pub fn failed(&self) -> Vec<&str> {
        let failed = |one: &&Checked| matches!(one.finding, Finding::Failed(_));
        self.checked.iter().filter(failed).map(|one| one.id.as_str()).collect()
    }

    /// The report for a continuous integration (the `JUnit` XML that those understand).
    pub fn junit(&self) -> String {
        let count = |test: fn(&Finding) -> bool| self.checked.iter().filter(|one| test(&one.finding)).count();
        let failures = count(|finding| matches!(finding, Finding::Failed(_)));
        let skipped = count(|finding| matches!(finding, Finding::Skipped(_)));
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"placet check-sidecar {}\" tests=\"{}\" \
             failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\">\n",
            escaped(&self.url),
            self.checked.len(),
        );
        let cases = self.checked.iter().map(|one| {
            let name = escaped(&format!("{} {}", one.id, one.title));
            let open = format!("  <testcase classname=\"{}\" name=\"{name}\"", one.level.as_str());
            match &one.finding {
                Finding::Passed => format!("{open}/>\n"),
                Finding::Skipped(why) => {
                    format!("{open}><skipped message=\"{}\"/></testcase>\n", escaped(why))
                }
                Finding::Failed(found) => {
                    let first = found.first().map(String::as_str).unwrap_or_default();
                    let all = escaped(&found.join("\n"));
                    format!("{open}><failure message=\"{}\">{all}</failure></testcase>\n", escaped(first))
                }
            }
        });
        [head].into_iter().chain(cases).chain(["</testsuite>\n".to_owned()]).collect()
    }
}

/// As text, a line per check.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.url, self.about)?;
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for one in &self.checked {
            match &one.finding {
                Finding::Passed => {
                    passed += 1;
                    writeln!(f, "  ok    {:4} {}", one.id, one.title)?;
                }
                Finding::Skipped(why) => {
                    skipped += 1;
                    writeln!(f, "  -     {:4} {} (not tried: {why})", one.id, one.title)?;
                }
                Finding::Failed(found) => {
                    failed += 1;
                    writeln!(f, "  FAIL  {:4} {}", one.id, one.title)?;
                    for sentence in found {
                        // What a sidecar says does not steer the terminal.
                        let printable: String = sentence.chars().filter(|c| !c.is_control()).collect();
                        writeln!(f, "             {printable}")?;
                    }
                }
            }
        }
        write!(f, "{passed} passed, {failed} failed, {skipped} not tried")
    }
}

/// Text as XML has it; characters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\n' => safe += "&#10;",
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let one = |id: &str, finding| {
            let check = CHECKS.into_iter().find(|check| check.id == id).unwrap();
            Checked { id: id.to_owned(), level: check.level, title: check.title.to_owned(), finding }
        };
        Report {
            url: "http://127.0.0.1:1".to_owned(),
            about: "sample 7, 1 type".to_owned(),
            checked: vec![
                one("C1", Finding::Passed),
                one("C7", Finding::Failed(vec!["`a` < \"b\"\u{1}".to_owned(), "more".to_owned()])),
                one("S9", Finding::skipped("the URL is not https")),
            ],
        }
    }

    #[test]
    fn a_report_reads_well() {
        assert_eq!(
            report().to_string(),
            "http://127.0.0.1:1: sample 7, 1 type\n\
             \x20 ok    C1   a request is answered with a decision\n\
             \x20 FAIL  C7   what is set is within the limits\n\
             \x20            `a` < \"b\"\n\
             \x20            more\n\
             \x20 -     S9   TLS is 1.2 or newer (not tried: the URL is not https)\n\
             1 passed, 1 failed, 1 not tried"
        );
        assert_eq!(report().failed(), ["C7"]);
    }

    #[test]
    fn a_report_for_machines_is_xml() {
        let junit = report().junit();
        assert!(junit.contains("tests=\"3\" failures=\"1\" skipped=\"1\""), "{junit}");
        assert!(junit.contains(
            "<failure message=\"`a` &lt; &quot;b&quot;\">`a` &lt; &quot;b&quot;&#10;more</failure>"
        ));
        assert!(junit.contains("<skipped message=\"the URL is not https\"/>"));
    }
}
