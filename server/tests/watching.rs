//! What is looked at from outside: every metric stands in the documents, and the dashboard and the alerts ask for nothing
//! that is not there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

/// Names that begin with `placet_`, in a text.
fn names(text: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices("placet_")
        .filter(|(at, _)| !text[..*at].chars().next_back().is_some_and(part))
        .map(|(at, _)| text[at..].split(|c| !part(c)).next().unwrap().to_owned())
        .collect()
}

/// The metrics that the server registers, by name.
fn metrics() -> BTreeSet<String> {
    let mut sources = files(&root().join("server/src/metrics"), ".rs");
    sources.push(root().join("server/src/metrics.rs"));
    let found: BTreeSet<String> = sources
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let quoted: Vec<_> = text.split('"').map(str::to_owned).collect();
            quoted.into_iter().filter(|text| names(text).contains(text))
        })
        .collect();
    assert!(found.len() > 25, "{found:?}");
    found
}

/// Whether `/metrics` has this name: counters end in `_total`, histograms in one of three ways.
fn is_there(metrics: &BTreeSet<String>, name: &str) -> bool {
    let endings = ["_total", "_bucket", "_sum", "_count"];
    metrics.contains(name)
        || endings.iter().any(|ending| name.strip_suffix(ending).is_some_and(|base| metrics.contains(base)))
}

#[test]
fn every_metric_stands_in_the_documents() {
    let documents: String =
        files(&root().join("docs"), ".md").iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    let named = names(&documents);
    let all = metrics();
    let told = |metric: &String| named.iter().any(|name| is_there(&BTreeSet::from([metric.clone()]), name));
    let missing: Vec<_> = all.iter().filter(|metric| !told(metric)).collect();
    assert!(missing.is_empty(), "no document tells of {missing:?}");
}

#[test]
fn the_table_of_metrics_names_only_those_that_there_are() {
    let all = metrics();
    let text = read("docs/operations.md");
    let rows = text.lines().filter(|line| line.starts_with("| `placet_"));
    let unknown: Vec<_> = rows.flat_map(names).filter(|name| !is_there(&all, name)).collect();
    assert!(unknown.is_empty(), "there are no metrics {unknown:?}");
}

#[test]
fn the_alerts_ask_for_metrics_that_there_are_and_say_what_is_wrong() {
    let (all, text) = (metrics(), read("docs/alerts.yml"));
    let unknown: Vec<_> = names(&text).into_iter().filter(|name| !is_there(&all, name)).collect();
    assert!(unknown.is_empty(), "there are no metrics {unknown:?}");
    let rules: Vec<_> = text.split("      - alert: ").skip(1).collect();
    assert!(rules.len() > 10);
    for rule in rules {
        for member in ["expr: ", "severity: ", "summary: \""] {
            assert_eq!(rule.matches(member).count(), 1, "{member} in {rule}");
        }
        let expr = rule.lines().find_map(|line| line.trim().strip_prefix("expr: ")).unwrap();
        balanced(expr);
    }
}

/// Whether every bracket is closed.
#[track_caller]
fn balanced(expr: &str) {
    let mut open = Vec::new();
    let mut quoted = false;
    for c in expr.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => open.push(c),
            ')' | ']' | '}' if !quoted => {
                let pair = (open.pop(), c);
                assert!(matches!(pair, (Some('('), ')') | (Some('['), ']') | (Some('{'), '}')), "{expr}");
            }
            _ => {}
        }
    }
    assert!(open.is_empty() && !quoted, "{expr}");
}

/// The units of panels, as Grafana names them.
const UNITS: [&str; 7] = ["reqps", "ops", "s", "short", "percentunit", "bytes", "none"];

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(&read("docs/grafana-dashboard.json")).unwrap();
    let all = metrics();
    let unknown: Vec<_> =
        names(&dashboard.to_string()).into_iter().filter(|name| !is_there(&all, name)).collect();
    assert!(unknown.is_empty(), "there are no metrics {unknown:?}");
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            balanced(expr);
            assert!(
                expr.contains("instance=~\"$instance\""),
                "the choice of servers counts everywhere: {expr}"
            );
        }
    }
}

/// The model of dashboards since Grafana 10: what it reads, and what it would quietly leave out.
#[test]
fn the_dashboard_is_one_that_grafana_takes() {
    let dashboard: Value = serde_json::from_str(&read("docs/grafana-dashboard.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36));
    for text in ["title", "uid", "refresh", "timezone"] {
        assert!(dashboard[text].as_str().is_some_and(|text| !text.is_empty()), "{text}");
    }
    assert!(dashboard["uid"].as_str().unwrap().len() <= 40);
    assert!(dashboard["annotations"]["list"].is_array());
    assert!(dashboard["time"]["from"].is_string() && dashboard["time"]["to"].is_string());
    let variables: BTreeMap<_, _> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| (variable["name"].as_str().unwrap(), variable["type"].as_str().unwrap()))
        .collect();
    assert_eq!(variables, BTreeMap::from([("source", "datasource"), ("instance", "query")]));
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(!title.is_empty());
        let place =
            |name: &str| panel["gridPos"][name].as_u64().unwrap_or_else(|| panic!("{name} of {title}"));
        let (x, y, width, height) = (place("x"), place("y"), place("w"), place("h"));
        assert!(width > 0 && height > 0 && x + width <= 24, "{title} is wider than the grid");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{title} lies on another panel");
        }
        match panel["type"].as_str().unwrap() {
            "row" => assert!(panel["panels"].as_array().is_some_and(Vec::is_empty), "{title} hides panels"),
            "timeseries" => series(panel, title),
            other => panic!("{title} is of the type {other}"),
        }
    }
}

fn series(panel: &Value, title: &str) {
    assert_eq!(panel["datasource"]["uid"], "${source}", "{title}");
    let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
    assert!(UNITS.contains(&unit), "{title}: {unit}");
    assert!(
        panel["fieldConfig"]["overrides"].is_array() && panel["options"]["legend"].is_object(),
        "{title}"
    );
    let targets = panel["targets"].as_array().unwrap();
    assert!(!targets.is_empty(), "{title}");
    let names: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), targets.len(), "{title}: each target has a name of its own");
    for target in targets {
        assert!(target["legendFormat"].is_string(), "{title}");
        assert_eq!(target["datasource"]["uid"], "${source}", "{title}");
    }
}
