//! The conformance kit passes a sound sidecar, and finds each way of being broken by the check that is for it.
#![cfg(feature = "check")]

mod broken;
mod encrypted;
mod sound;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser as _;
use placet_sdk::{
    check::{Arguments, CaseFile, Finding, Options, Report, run},
    policy::{Listen, Settings, serve},
};

use crate::{
    broken::{Broken, Fault},
    encrypted::Encrypted,
    sound::{RESPONSE, SECRET, Sound, secret},
};

placet_sdk::check!(Sound, "tests/check/cases.json", "tests/check/cases.toml");

async fn report(fault: Fault) -> Report {
    let sidecar = Broken::start(fault).await;
    let mut options = Options::new(&sidecar.url, secret(SECRET));
    options.response_secret = Some(secret(RESPONSE));
    options.probe = Some(sidecar.probe);
    // The machine may be busy with other tests.
    options.timeout_ms = Some(if fault == Fault::Late { 1_000 } else { 10_000 });
    Box::pin(run(options)).await.unwrap()
}

fn skipped(report: &Report) -> Vec<&str> {
    let skipped = report.checked.iter().filter(|one| matches!(one.finding, Finding::Skipped(_)));
    skipped.map(|one| one.id.as_str()).collect()
}

#[tokio::test]
async fn a_sound_sidecar_passes_every_check() {
    let report = report(Fault::None).await;
    assert!(report.passed(), "{report}");
    assert_eq!(skipped(&report), ["S9"]);
    assert_eq!(report.about, "sound 7, 3 types");
}

/// The sidecar with this fault fails this check, and no other.
async fn is_caught(fault: Fault, id: &str) {
    let report = report(fault).await;
    assert_eq!(report.failed(), [id], "{fault:?}: {report}");
}

macro_rules! each_is_caught {
    ($($name:ident: $fault:ident by $id:literal;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                is_caught(Fault::$fault, $id).await;
            }
        )*
    };
}

each_is_caught! {
    what_is_not_a_decision_is_caught: NotADecision by "C1";
    another_id_is_caught: AnotherId by "C2";
    minding_unknown_members_is_caught: MindsUnknownMembers by "C3";
    another_status_for_unknown_types_is_caught: UnknownTypeIsNotFound by "C4";
    failing_over_malformed_json_is_caught: MalformedIsAFailure by "C5";
    taking_any_content_type_is_caught: AnyContentType by "C6";
    going_beyond_the_limits_is_caught: BeyondTheLimits by "C7";
    leaving_out_what_is_required_is_caught: WithoutWhatIsRequired by "C8";
    another_error_code_is_caught: AnotherErrorCode by "C9";
    answering_get_is_caught: AnswersGet by "C10";
    being_late_is_caught: Late by "C11";
    taking_a_name_twice_is_caught: TakesANameTwice by "C12";
    taking_any_depth_is_caught: TakesAnyDepth by "C12";
    taking_unsigned_requests_is_caught: TakesUnsigned by "S1";
    taking_any_secret_is_caught: TakesAnySecret by "S2";
    taking_any_time_is_caught: TakesAnyTime by "S3";
    verifying_another_body_is_caught: TrimsBeforeVerifying by "S4";
    looking_at_one_signature_is_caught: LooksAtOneSignature by "S5";
    signing_with_the_secret_of_requests_is_caught: ReflectsTheSecret by "S6";
    redirecting_is_caught: Redirects by "S7";
    telling_the_secret_is_caught: TellsTheSecret by "S8";
    believing_headers_is_caught: BelievesHeaders by "S10";
    deciding_anew_each_time_is_caught: DecidesAnewEachTime by "R1";
    shedding_load_is_caught: ShedsLoad by "R2";
    stumbling_over_broken_connections_is_caught: StumblesOverBrokenConnections by "R3";
    acting_in_every_mode_is_caught: ActsInEveryMode by "R4";
    another_name_in_the_document_is_caught: CallsItselfOtherwise by "D1";
    deciding_what_is_not_listed_is_caught: DecidesWhatItDoesNotList by "D2";
    needing_more_than_is_declared_is_caught: NeedsMoreThanItSays by "D3";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_tls_is_caught() {
    for (old, failed) in [(true, &["S9"][..]), (false, &[])] {
        let sidecar = Encrypted::start(old).await;
        let mut options = Options::new(&sidecar.url, secret(SECRET));
        options.ca = Some(sidecar.ca);
        options.timeout_ms = Some(10_000);
        options.response_secret = Some(secret(RESPONSE));
        let report = Box::pin(run(options)).await.unwrap();
        assert_eq!(report.failed(), failed, "{report}");
        assert_eq!(skipped(&report), ["R4"]);
    }
}

#[tokio::test]
async fn a_sidecar_on_a_unix_socket_is_checked_too() {
    let path = std::env::temp_dir().join(format!("placet-check-{}.sock", std::process::id()));
    let url = format!("unix://{}", path.display());
    let settings = Settings::new(&url, secret(SECRET)).unwrap();
    tokio::spawn(serve(Sound).listen(settings, Listen::Unix(path.clone()), std::future::pending()));
    while tokio::net::UnixStream::connect(&path).await.is_err() {
        tokio::task::yield_now().await;
    }
    let mut options = Options::new(url, secret(SECRET));
    options.timeout_ms = Some(10_000);
    let report = Box::pin(run(options)).await.unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!(skipped(&report), ["S6", "S9", "R4"]);
}

#[tokio::test]
async fn what_the_author_expects_is_held_against_the_answers() {
    let sidecar = Broken::start(Fault::None).await;
    let mut options = Options::new(&sidecar.url, secret(SECRET));
    options.timeout_ms = Some(10_000);
    let file = r#"{"cases": [{
        "name": "nobody gets anything",
        "given": {"type": "grant.password", "patch": {"password": {"username": "alice"}}},
        "expect": {"decision": "deny", "pointers": {"/set/grant/sub": "bob", "/error": {}}, "absent": ["/set"]}
    }]}"#;
    options.cases = serde_json::from_str::<CaseFile>(file).unwrap().cases;
    let report = Box::pin(run(options)).await.unwrap();
    assert_eq!(report.failed(), ["case"], "{report}");
    let Finding::Failed(found) = &report.checked.last().unwrap().finding else { panic!("{report}") };
    assert!(found[0].starts_with("the decision is `allow`, not `deny`"));
    assert_eq!(found[1], "`/error` is not there, and should be `{}`");
    assert_eq!(found[2], "`/set/grant/sub` is `\"alice\"`, not `\"bob\"`");
    assert!(found[3].starts_with("`/set` is"));
}

#[tokio::test]
async fn a_sidecar_that_is_not_there_is_not_checked() {
    let error = Box::pin(run(Options::new("http://127.0.0.1:1", secret(SECRET)))).await.unwrap_err();
    assert!(error.to_string().starts_with("`http://127.0.0.1:1` cannot be reached"), "{error}");
}

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

#[tokio::test]
async fn the_command_says_by_its_exit_code_what_it_found_and_writes_a_report() {
    let sidecar = Broken::start(Fault::Redirects).await;
    let report = std::env::temp_dir().join(format!("placet-check-{}.xml", std::process::id()));
    let path = report.display().to_string();
    let command = async |more: &[&str]| {
        let arguments = ["check-sidecar", "--secret", SECRET, "--timeout-ms", "10000", "--url"];
        let command = Command::try_parse_from(arguments.iter().chain(more)).unwrap();
        Box::pin(placet_sdk::check::main(command.arguments)).await
    };
    let found = command(&[&sidecar.url, "--types", "claims.source,grant.password", "--report", &path]).await;
    assert_eq!(found, ExitCode::from(1));
    let written = std::fs::read_to_string(&report).unwrap();
    std::fs::remove_file(report).unwrap();
    assert!(written.contains("failures=\"1\"") && written.contains("name=\"S7 nothing is redirected\""));
    for wrong in [
        &[sidecar.url.as_str(), "--types", "claims.sauce"][..],
        &["ftp://sidecar.example"],
        &["http://127.0.0.1:1"],
        &[&sidecar.url, "--cases", "cases.yaml"],
    ] {
        assert_eq!(command(wrong).await, ExitCode::from(2), "{wrong:?}");
    }
}

/// Files of that name below a directory.
fn below(directory: &Path, name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| match path.file_name().and_then(|name| name.to_str()) {
            Some("node_modules" | "target") => Vec::new(),
            Some(found) if found == name => vec![path],
            _ if path.is_dir() => below(&path, name),
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn the_cases_of_all_sample_policies_are_questions_that_a_server_could_ask() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-policies");
    let files = below(&samples, "cases.json");
    assert!(files.len() > 5, "{files:?}");
    for path in files {
        for case in CaseFile::read(&path).unwrap().cases {
            let request = case.request();
            assert!(request.is_ok(), "{}, {}: {}", path.display(), case.name, request.unwrap_err());
        }
    }
}
