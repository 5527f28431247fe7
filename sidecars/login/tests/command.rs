//! The program as operators run it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Output, Stdio},
};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_placet-login"));
    command.env_remove("PLACET_UI_TOKEN");
    command
}

fn user(folder: &std::path::Path, args: &[&str], password: &str) -> Output {
    let mut child = program()
        .args(["user", "--users"])
        .arg(folder.join("users.toml"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses may be gone before it reads.
    let _ = child.stdin.take().unwrap().write_all(password.as_bytes());
    child.wait_with_output().unwrap()
}

fn serve(folder: &std::path::Path) -> Child {
    program()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--log", "trace", "--users"])
        .arg(folder.join("users.toml"))
        .env("PLACET_UI_TOKEN", "secret-token")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn without_a_token_it_does_not_start() {
    for token in [None, Some("  ")] {
        let mut command = program();
        command.args(["serve", "--dev", "--users", "/nonexistent/users.toml"]);
        if let Some(token) = token {
            command.env("PLACET_UI_TOKEN", token);
        }
        let output = command.output().unwrap();
        assert!(!output.status.success());
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("a token for the interaction API is needed")
        );
    }
}

#[test]
fn it_says_where_it_listens_and_stops_when_asked() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let mut child = serve(folder);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("placet-login listens on http://127.0.0.1:"), "{line}");
    let stopped = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(stopped.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("secret-token"));
    assert!(folder.join("users.toml").exists());
}

#[test]
fn users_are_added_listed_and_given_new_passwords() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let added = user(folder, &["add", "dora", "--name", "Dora", "--email", "dora@example.com"], "explorer\n");
    assert!(added.status.success(), "{added:?}");
    let sub = String::from_utf8(added.stdout).unwrap().trim().to_owned();
    assert!(sub.starts_with("usr_"));
    let listed = String::from_utf8(user(folder, &["list"], "").stdout).unwrap();
    assert_eq!(listed, format!("{sub}\tdora\tdora@example.com\t\n"));
    let before = std::fs::read_to_string(folder.join("users.toml")).unwrap();
    assert!(user(folder, &["passwd", "dora"], "swiper\n").status.success());
    let after = std::fs::read_to_string(folder.join("users.toml")).unwrap();
    assert!(before != after && !after.contains("swiper") && after.contains("$argon2id$"));
    let again = user(folder, &["add", "dora"], "explorer\n");
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("`dora` is taken"));
    assert!(!user(folder, &["passwd", "nobody"], "x\n").status.success());
}

#[test]
fn an_operator_gives_and_takes_second_factors_and_codes_can_be_had_without_a_phone() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let key = folder.join("login.key");
    std::fs::write(&key, [7; 32]).unwrap();
    let totp = |more: &[&str]| user(folder, &[&["totp", "dora"], more].concat(), "");
    assert!(!totp(&["--remove"]).status.success(), "there is nobody yet");
    assert!(user(folder, &["add", "dora"], "explorer\n").status.success());
    assert!(!totp(&[]).status.success(), "a key file is needed");
    let given = totp(&["--key-file", key.to_str().unwrap(), "--brand-name", "Acme"]);
    assert!(given.status.success(), "{given:?}");
    let printed = String::from_utf8(given.stdout).unwrap();
    let (secret, address) = printed.trim().split_once('\n').unwrap();
    assert!(address.starts_with(&format!("otpauth://totp/Acme:dora?secret={secret}&")), "{address}");
    assert!(!std::fs::read_to_string(folder.join("users.toml")).unwrap().contains(secret));
    let listed = String::from_utf8(user(folder, &["list"], "").stdout).unwrap();
    assert!(listed.ends_with("\ttotp\n"), "{listed}");
    let again = totp(&["--key-file", key.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("has a second factor already"));
    assert!(totp(&["--remove"]).status.success());
    assert!(!std::fs::read_to_string(folder.join("users.toml")).unwrap().contains("totp"));

    for (line, good) in [(secret, true), ("GEZD", false), ("not base 32!", false)] {
        let mut child = program().arg("code").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.success(), good, "{line}");
        assert_eq!(output.stdout.len(), if good { 7 } else { 0 }, "{line}");
    }
}
