//! The borders of the source: who may know whom. Each border is one test, which names the lines that cross it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The longest source file, in lines.
const LONGEST: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the server is a member of a workspace").to_owned()
}

/// Every file below `dir` whose name ends like this, as its path from the root and its text.
fn files(dir: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut dirs = vec![root().join(dir)];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root()).expect("a path below the root");
                let text = fs::read_to_string(&path).expect("source is text");
                found.push((name.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "there is no source in {dir}");
    found
}

/// The sources of the workspace, without tests that live beside them.
fn sources() -> Vec<(String, String)> {
    let mut dirs = vec!["server/src", "server/jose/src", "server/oauth/src", "sdk/rust/src", "sdk/mock/src"];
    dirs.extend(["sidecars/login/src", "sidecars/demo/src", "sidecars/saml/src"]);
    dirs.into_iter().flat_map(|dir| files(dir, ".rs")).collect()
}

/// The code of a line, without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Whether a line of code uses this crate or module: the word, as the beginning of a path.
fn uses(line: &str, word: &str) -> bool {
    let line = code(line);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + word.len()..];
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':' && c != '.');
        let imported = line.trim_start().trim_start_matches("pub ").starts_with(&format!("use {word}"));
        begins && (after.starts_with("::") || (imported && after.starts_with([';', ' '])))
    })
}

/// The lines of these files that one of the words is used in.
fn crossings(files: &[(String, String)], words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in files.iter().filter(|(name, _)| !allowed(name)) {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| uses(line, word)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

fn assert_none(found: &[String], border: &str) {
    assert!(found.is_empty(), "{border}:\n{}", found.join("\n"));
}

/// Whether a file is the module `path` or below it: `server/src/http` stands for `http.rs` and `http/…`.
fn within(name: &str, path: &str) -> bool {
    name.strip_prefix(path).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn only_in(words: &[&str], place: &str) {
    let found = crossings(&files("server/src", ".rs"), words, |name| within(name, place));
    assert_none(&found, &format!("{} is for {place} alone", words.join(", ")));
}

#[test]
fn only_the_http_edge_knows_the_http_server() {
    only_in(&["warp", "hyper_util"], "server/src/http");
    // What went wrong below the HTTP client is told in words of hyper.
    let server = files("server/src", ".rs");
    let found = crossings(&server, &["hyper"], |name| {
        within(name, "server/src/http") || within(name, "server/src/outbound/operator")
    });
    assert_none(&found, "hyper is for the HTTP edge, and for the errors of the HTTP client");
}

#[test]
fn only_the_postgres_store_knows_postgres() {
    only_in(&["tokio_postgres", "bb8", "bb8_postgres"], "server/src/store/postgres");
}

#[test]
fn only_the_embedded_store_knows_sqlite() {
    only_in(&["rusqlite"], "server/src/store/embedded");
}

#[test]
fn only_outbound_knows_the_http_client() {
    only_in(&["reqwest"], "server/src/outbound");
}

#[test]
fn only_the_wrapper_of_caches_knows_how_they_are_made() {
    only_in(&["moka"], "server/src/cache");
}

#[test]
fn the_store_and_the_protocol_rules_do_not_know_the_http_edge() {
    let store: Vec<_> =
        files("server/src", ".rs").into_iter().filter(|(name, _)| within(name, "server/src/store")).collect();
    for word in ["crate::http", "crate::interaction", "crate::grant", "crate::authorize", "crate::server"] {
        let found: Vec<_> = store
            .iter()
            .flat_map(|(name, text)| {
                text.lines().filter(|l| code(l).contains(word)).map(move |l| format!("{name}: {l}"))
            })
            .collect();
        assert_none(&found, "the store knows nothing above it");
    }
}

#[test]
fn the_rules_of_oauth_have_no_clock_no_input_and_no_output() {
    let rules = files("server/oauth/src", ".rs");
    let words = [
        "tokio",
        "reqwest",
        "warp",
        "placet_server",
        "placet_sdk",
        "SystemTime",
        "Instant",
        "std::time",
        "std::net",
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
    ];
    let mut found = crossings(&rules, &words, |_| false);
    // Addresses are data; sockets are not.
    found.retain(|line| !line.contains("std::net::Ip") && !line.contains("net::{Ip"));
    for (name, text) in &rules {
        for (number, line) in text.lines().enumerate() {
            if code(line).contains("async ") || code(line).contains(".await") {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&found, "server/oauth decides and does nothing");
}

#[test]
fn encryption_has_no_clock_no_input_and_no_randomness_of_its_own() {
    let words = [
        "tokio",
        "reqwest",
        "std::time",
        "std::net",
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "openssl::rand",
    ];
    let mut found = crossings(&files("server/jose/src", ".rs"), &words, |_| false);
    found.extend(crossings(&files("server/oauth/src", ".rs"), &["openssl"], |_| false));
    assert_none(&found, "server/jose encrypts and decrypts what it is given");
}

/// What one engine has and others have not, or have otherwise.
const OF_ONE_ENGINE: [&str; 20] = [
    "FOR UPDATE",
    "FOR SHARE",
    "SKIP LOCKED",
    "ADVISORY",
    "NOTIFY",
    "LISTEN ",
    "ILIKE",
    "LATERAL",
    "UNNEST",
    "ARRAY[",
    "JSONB",
    "DISTINCT ON",
    "NOW()",
    "CURRENT_TIMESTAMP",
    "INTERVAL '",
    "PRAGMA",
    "INSERT OR ",
    "ROWID",
    "CTID",
    "REFERENCES ",
];

#[test]
fn the_statements_of_the_store_are_portable() {
    let mut statements = files("server/migrations", ".sql");
    statements.extend(files("server/src/store/sql", ".rs"));
    let mut found = Vec::new();
    for (name, text) in &statements {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().starts_with("--")) {
            // Statements are upper case, and what is not one is not looked at.
            if OF_ONE_ENGINE.iter().any(|word| code(line).contains(word)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&found, "one text for every engine");
}

/// The names of the dependencies in a manifest, those of tests included.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(manifest)).expect("a manifest");
    let manifest: toml::Table = text.parse().expect("a manifest is TOML");
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|section| manifest.get(section)?.as_table())
        .flat_map(|section| section.keys().cloned())
        .collect()
}

#[test]
fn nothing_points_back_at_the_server() {
    for (manifest, allowed) in [
        ("sdk/rust/Cargo.toml", &[][..]),
        ("sdk/mock/Cargo.toml", &["placet-sdk"][..]),
        ("server/oauth/Cargo.toml", &[][..]),
        ("server/jose/Cargo.toml", &["placet-oauth"][..]),
        ("sidecars/login/Cargo.toml", &["placet-sdk"][..]),
        ("sidecars/demo/Cargo.toml", &[][..]),
        ("sidecars/saml/Cargo.toml", &["placet-sdk"][..]),
    ] {
        for name in dependencies(manifest).iter().filter(|name| name.starts_with("placet-")) {
            assert!(allowed.contains(&name.as_str()), "{manifest} must not depend on {name}");
        }
    }
}

#[test]
fn only_the_saml_sidecar_parses_xml() {
    for manifest in [
        "server/Cargo.toml",
        "server/oauth/Cargo.toml",
        "sdk/rust/Cargo.toml",
        "sdk/mock/Cargo.toml",
        "sidecars/login/Cargo.toml",
        "sidecars/demo/Cargo.toml",
    ] {
        for name in dependencies(manifest) {
            assert!(!["samael", "libxml", "quick-xml"].contains(&name.as_str()), "{manifest}: {name}");
        }
    }
    let found =
        crossings(&files("sidecars/saml/src", ".rs"), &["samael"], |name| name.ends_with("src/signature.rs"));
    assert_none(&found, "samael is for one module alone");
}

#[test]
fn no_module_is_called_mod() {
    let found: Vec<_> =
        sources().into_iter().map(|(name, _)| name).filter(|n| n.ends_with("/mod.rs")).collect();
    assert_none(&found, "a module is grant.rs and grant/, never mod.rs");
}

#[test]
fn no_source_file_is_too_long() {
    let found: Vec<_> = sources()
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert_none(&found, "a file has at most 400 lines");
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two halves, so that this file does not find itself.
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["todo", "!("], ["unimplemented", "!("], ["dbg", "!("]];
    let words: Vec<String> = words.iter().map(|halves| halves.concat()).collect();
    let mut found = Vec::new();
    for (name, text) in tracked().iter().filter(|(name, _)| is_rust(name)) {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&found, "nothing is left for later");
}

#[test]
fn nothing_names_a_path_of_the_machine_it_was_written_on() {
    let paths = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"]].map(|halves| halves.concat());
    let mut found = Vec::new();
    for (name, text) in &tracked() {
        for (number, line) in text.lines().enumerate() {
            if paths.iter().any(|path| names_path(line, path)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&found, "the project is the same on every machine");
}

/// Whether an absolute path begins like this in the line.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"._-/$}".contains(c))
    })
}

/// Every text file that belongs to the project.
fn tracked() -> Vec<(String, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success());
    let Some(listed) = listed else {
        // An archive of the source has no history: its Rust sources are looked at.
        return sources();
    };
    let names = String::from_utf8(listed.stdout).expect("names are UTF-8");
    names
        .lines()
        .filter_map(|name| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?)))
        .collect()
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let mut found = Vec::new();
    for page in ["docs/security.md", "docs/operations.md"] {
        let text = fs::read_to_string(root().join(page)).expect("the page is there");
        for (number, row) in text.lines().enumerate().filter(|(_, line)| line.starts_with('|')) {
            let missing =
                missing_tests(row).into_iter().map(|name| format!("{page}:{}: `{name}`", number + 1));
            found.extend(missing);
        }
    }
    assert_none(&found, "a promise is held by a test that exists");
}

/// The test files and the tests of a row of a table, in backquotes, that do not exist; tests stand after their file.
fn missing_tests(row: &str) -> Vec<&str> {
    let mut file = String::new();
    let mut missing = Vec::new();
    for quoted in row.split('`').skip(1).step_by(2) {
        if [".rs", ".py", ".mjs"].iter().any(|ending| quoted.ends_with(ending)) {
            let places = ["server/tests", ""].map(|dir| root().join(dir).join(quoted));
            match places.iter().find_map(|place| fs::read_to_string(place).ok()) {
                Some(text) => file = text,
                None => missing.push(quoted),
            }
        } else if is_test(quoted)
            && ["fn", "def"].iter().all(|kind| !file.contains(&format!("{kind} {quoted}(")))
        {
            missing.push(quoted);
        }
    }
    missing
}

/// Whether this is the name of a test: a sentence. Metrics and settings have fewer words, or another beginning.
fn is_test(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(is_word) && name.matches('_').count() >= 3 && !name.starts_with("placet_")
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let row = |name: &str| format!("| P | `architecture.rs`: `{name}` |");
    assert!(missing_tests(&row("a_test_that_is_not_there_is_noticed")).is_empty());
    assert_eq!(missing_tests(&row("a_test_that_nobody_wrote")), ["a_test_that_nobody_wrote"]);
    assert_eq!(missing_tests("| P | `specs/nothing.rs` |"), ["specs/nothing.rs"]);
}

#[test]
fn a_use_is_told_from_a_mention() {
    assert!(uses("use warp::Filter;", "warp"));
    assert!(uses("pub type Connector = tokio_postgres::NoTls;", "tokio_postgres"));
    assert!(!uses("// warp::Filter", "warp"));
    assert!(!uses("let warped = crate::warp::x;", "warp"));
    assert!(within("server/src/http.rs", "server/src/http"));
    assert!(!within("server/src/https.rs", "server/src/http"));
}

/// Whether a tracked file is Rust source.
fn is_rust(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|e| e == "rs")
}
