//! What the documents say can be followed: links lead somewhere, settings are settings, and JSON is what the marks before it
//! say. Commands of `placet` are tried by `server/src/command/documents.rs`, all others
//! done by `docs/walk`.

mod documents {
    mod json;
}

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use placet_server::config::Config;

/// The documents that people read, as paths from the root of the project.
fn documents() -> Vec<PathBuf> {
    let listed =
        Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output().expect("git is there");
    let names = String::from_utf8(listed.stdout).expect("the names of documents are UTF-8");
    let documents: Vec<PathBuf> = names.lines().map(PathBuf::from).collect();
    assert!(documents.len() > 20, "only {} documents were found", documents.len());
    documents
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(document: &Path) -> String {
    std::fs::read_to_string(root().join(document)).expect("a document can be read")
}

/// A fenced block: the line it begins at, its language, what it says, and the comment right before it.
struct Block {
    line: usize,
    language: String,
    body: String,
    mark: Option<String>,
}

/// The lines outside fenced blocks, and the blocks.
fn parts(text: &str) -> (Vec<(usize, &str)>, Vec<Block>) {
    let mut prose: Vec<(usize, &str)> = Vec::new();
    let mut blocks = Vec::new();
    let mut open: Option<(Block, usize)> = None;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        match &mut open {
            None if trimmed.starts_with("```") => {
                let block = Block {
                    line: at + 1,
                    language: trimmed.trim_start_matches('`').trim().to_owned(),
                    body: String::new(),
                    mark: prose.last().filter(|(line, _)| *line == at).and_then(|(_, text)| comment(text)),
                };
                open = Some((block, line.len() - trimmed.len()));
            }
            None => prose.push((at + 1, line)),
            Some(_) if trimmed == "```" => blocks.extend(open.take().map(|(block, _)| block)),
            Some((block, indent)) => {
                block.body.push_str(line.get(*indent..).unwrap_or(trimmed));
                block.body.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    (prose, blocks)
}

/// The text of a line that is a comment.
fn comment(line: &str) -> Option<String> {
    Some(line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim().to_owned())
}

/// The fragment by which a heading is found, as the common renderers of Markdown make it.
fn slug(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .collect()
}

fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let (prose, _) = parts(text);
    let mut anchors = Vec::new();
    for (_, line) in prose {
        if let Some(heading) = line.strip_prefix('#') {
            let slug = slug(&without_links(heading.trim_start_matches('#')));
            let count = seen.entry(slug.clone()).or_default();
            anchors.push(if *count == 0 { slug } else { format!("{slug}-{count}") });
            *count += 1;
        }
    }
    anchors
}

/// `[text](target)` as `text`.
fn without_links(heading: &str) -> String {
    let mut rest = heading;
    let mut plain = String::new();
    while let Some(at) = rest.find("](") {
        let end = rest[at..].find(')').map_or(rest.len(), |end| at + end + 1);
        plain.push_str(&rest[..at].replacen('[', "", 1));
        rest = &rest[end..];
    }
    plain + rest
}

/// The targets of the links of a line.
fn links(line: &str) -> Vec<&str> {
    // What stands in backticks is no link.
    let prose = line.split('`').step_by(2);
    prose.flat_map(|piece| piece.split("](").skip(1)).filter_map(|tail| tail.split(')').next()).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = read(&document);
        for (line, prose) in parts(&text).0 {
            for link in links(prose) {
                if link.contains("://") || link.starts_with("mailto:") {
                    continue;
                }
                if !leads_somewhere(&document, link) {
                    broken.push(format!("{}:{line}: {link}", document.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

fn leads_somewhere(document: &Path, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { document.to_owned() } else { folder(document).join(path) };
    if !root().join(&target).exists() {
        return false;
    }
    anchor.is_empty() || anchors(&read(&target)).iter().any(|known| known == anchor)
}

/// Where the links of a document begin. The book is made of the repository's folders, its table of contents at their root.
fn folder(document: &Path) -> &Path {
    if document == Path::new("docs/book/SUMMARY.md") {
        Path::new("")
    } else {
        document.parent().expect("a document lies in a folder")
    }
}

#[test]
fn settings_in_documents_are_settings_of_the_server() {
    let mut wrong = Vec::new();
    for document in documents().iter().filter(|path| settings_of_the_server(path)) {
        for block in parts(&read(document)).1 {
            if block.language != "toml" {
                continue;
            }
            if let Err(error) = toml::from_str::<Config>(&block.body) {
                wrong.push(format!("{}:{}: {error}", document.display(), block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "settings that the server does not know:\n{}", wrong.join("\n"));
}

/// Sidecars have settings of their own.
fn settings_of_the_server(document: &Path) -> bool {
    document == Path::new("README.md")
        || document.starts_with("docs")
        || document.starts_with("sample-policies")
}

#[test]
fn the_book_has_every_page() {
    let summary = read(Path::new("docs/book/SUMMARY.md"));
    let missing: Vec<_> = documents()
        .into_iter()
        // The templates of generated pages are no pages.
        .filter(|path| !path.starts_with("docs/book") && !path.starts_with("server/tests"))
        .filter(|path| !summary.contains(&format!("({})", path.display())))
        .collect();
    assert!(missing.is_empty(), "pages that the book does not list: {missing:?}");
}
