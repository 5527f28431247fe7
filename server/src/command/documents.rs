//! The commands of `placet` that documents show are commands: in blocks they parse, in running text their words exist.

use std::{path::Path, process::Command};

use clap::{CommandFactory as _, Parser as _};

use super::Arguments;

/// The program as documents call it.
const PROGRAMS: [&str; 3] = ["placet", "target/debug/placet", "target/release/placet"];

fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(&root).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    names.lines().map(|name| (name.to_owned(), std::fs::read_to_string(root.join(name)).unwrap())).collect()
}

/// The simple commands of a script, as words: what stands behind `#` and in substitutions is left out.
fn commands(script: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => {
                if chars.next() != Some('\n') {
                    word.get_or_insert_default().push('x');
                }
            }
            (None, '#') if word.is_none() => while chars.next_if(|c| *c != '\n').is_some() {},
            (None, '(') => {
                // `$(…)` and `<(…)` stand for a word.
                let mut depth = 1;
                while depth > 0 {
                    match chars.next() {
                        Some('(') => depth += 1,
                        Some(')') => depth -= 1,
                        Some(_) => (),
                        None => break,
                    }
                }
                word = Some("substituted".to_owned());
            }
            (None, '|' | '&' | ';' | '\n' | '>' | '<') => {
                words.extend(word.take());
                if c != '<' || chars.peek() != Some(&'(') {
                    all.push(std::mem::take(&mut words));
                }
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            // Within quotes everything is part of a word.
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    all.push(words);
    all.into_iter().map(without_settings).filter(|words| !words.is_empty()).collect()
}

/// Without what stands before a command: a prompt, and `NAME=value`.
fn without_settings(words: Vec<String>) -> Vec<String> {
    let setting = |word: &String| {
        word == "$"
            || word
                .split_once('=')
                .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    words.into_iter().skip_while(setting).collect()
}

/// A part of a document, with its line.
type Piece = (usize, String);

/// The fenced blocks with commands, and the spans in backticks.
fn pieces(text: &str) -> (Vec<Piece>, Vec<Piece>) {
    let (mut blocks, mut spans): (Vec<Piece>, _) = (Vec::new(), Vec::new());
    let mut fence: Option<bool> = None;
    for (at, line) in text.lines().enumerate() {
        if let Some(language) = line.trim().strip_prefix("```") {
            let commands = ["sh", "text", "console", ""].contains(&language);
            fence = if fence.is_some() { None } else { Some(commands) };
            if fence == Some(true) {
                blocks.push((at + 1, String::new()));
            }
        } else if fence == Some(true) {
            // Drawings are no commands.
            if !line.contains('─') {
                let block = &mut blocks.last_mut().expect("a block was opened").1;
                block.push_str(line);
                block.push('\n');
            }
        } else if fence.is_none() {
            spans.extend(line.split('`').skip(1).step_by(2).map(|span| (at + 1, span.to_owned())));
        }
    }
    (blocks, spans)
}

/// Whether a word stands for others: `…`, `COMMAND`.
fn stands_for_others(word: &str) -> bool {
    word.contains('…') || word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// Whether words that need not be a whole command are words of one: `placet sessions list|end`.
fn known(words: &[String]) -> Result<(), String> {
    let mut command = Arguments::command();
    command.build();
    let mut at = &command;
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if word.starts_with("--") {
            let name = word.trim_start_matches('-').split('=').next().unwrap_or_default();
            let Some(option) = at.get_arguments().find(|one| one.get_long() == Some(name)) else {
                return Err(format!("`{}` has no option `{word}`", at.get_name()));
            };
            if option.get_action().takes_values() && !word.contains('=') {
                words.next();
            }
        } else if at.has_subcommands() && !stands_for_others(word) {
            let mut next = at;
            for one in word.split('|') {
                next = at
                    .find_subcommand(one)
                    .ok_or_else(|| format!("`{}` has no subcommand `{one}`", at.get_name()))?;
            }
            at = next;
        }
    }
    Ok(())
}

/// A command of a block, or words of one in running text.
enum Words {
    Whole(Vec<String>),
    Part(Vec<String>),
}

fn words_of(blocks: &[(usize, String)], spans: &[(usize, String)]) -> Vec<(usize, Words)> {
    let ours = |words: &Vec<String>| words.first().is_some_and(|first| PROGRAMS.contains(&first.as_str()));
    let mut all = Vec::new();
    for (line, block) in blocks {
        all.extend(commands(block).into_iter().filter(ours).map(|words| (*line, Words::Whole(words))));
    }
    for (line, span) in spans {
        let words: Vec<String> = span.split_whitespace().map(str::to_owned).collect();
        all.extend(Some(words).filter(ours).map(|words| (*line, Words::Part(words))));
    }
    all
}

#[test]
fn commands_in_documents_are_commands() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (name, text) in documents() {
        let (blocks, spans) = pieces(&text);
        for (line, words) in words_of(&blocks, &spans) {
            seen += 1;
            let looked = match words {
                Words::Whole(words) => {
                    Arguments::try_parse_from(words).map(drop).map_err(|error| error.to_string())
                }
                Words::Part(words) => known(&words),
            };
            if let Err(error) = looked {
                wrong.push(format!("{name}:{line}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "commands that are none:\n{}", wrong.join("\n"));
    assert!(seen > 40, "only {seen} commands were found");
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    for (script, right) in [
        ("placet keys --admin http://127.0.0.1:8081 list   # comment | placet nonsense", true),
        ("X=1 placet client create <(echo '{}') && placet serve --config placet.toml", true),
        ("placet keys turn", false),
        ("placet serve --confg placet.toml", false),
        ("true; placet", false),
    ] {
        let found = commands(script);
        let ours = found.iter().filter(|words| words[0] == "placet");
        let all =
            ours.clone().count() > 0 && ours.clone().all(|words| Arguments::try_parse_from(words).is_ok());
        assert_eq!(all, right, "{script}: {found:?}");
    }
    let words = |span: &str| span.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (span, right) in [
        ("placet sessions list|end", true),
        ("placet client …", true),
        ("placet keys --admin", true),
        ("placet sessions list|finish", false),
        ("placet keys --administrator", false),
    ] {
        assert_eq!(known(&words(span)).is_ok(), right, "{span}");
    }
}
