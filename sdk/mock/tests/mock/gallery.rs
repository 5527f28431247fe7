//! The scenarios as data, and those that people write.

use std::{fs, path::PathBuf};

use placet_mock::{BUILT_IN, Gallery, Scenario};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::stage::{Stage, settings};

fn of(source: &std::path::Path) -> Result<Gallery, String> {
    Gallery::of(&[source.to_str().unwrap().to_owned()]).map_err(|e| e.to_string())
}

fn mine() -> Value {
    json!({
        "name": "mine",
        "title": "Mine",
        "about": "About mine.",
        "steps": [{
            "prompt": {"type": "auth", "auth": {"reasons": ["no_session"], "attempt": 1, "account": {"mode": "any"}, "create": false}},
            "expect": [{"type": "auth", "sub": "alice"}],
            "answer": {"type": "auth", "sub": "alice"}
        }]
    })
}

#[test]
fn every_file_of_the_folder_is_a_scenario_of_the_gallery_under_its_own_name() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut known: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    files.sort();
    known.sort();
    assert_eq!(files, known);
    for (name, text) in BUILT_IN {
        assert_eq!(Scenario::read(text).unwrap().name, *name);
    }
}

#[test]
fn the_schema_of_scenarios_is_published_as_the_types_say_and_holds_for_all() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenario.schema.json");
    let schema = serde_json::to_value(schemars::schema_for!(Scenario)).unwrap();
    let generated = format!("{schema:#}\n");
    if std::env::var_os("PLACET_REGENERATE").is_some_and(|value| value == "1") {
        fs::write(&path, &generated).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == generated,
        "scenario.schema.json is not what the types say; run PLACET_REGENERATE=1 cargo test -p placet-mock"
    );
    let validator = jsonschema::options().build(&schema).unwrap();
    for (name, text) in BUILT_IN {
        let errors: Vec<String> =
            validator.iter_errors(&serde_json::from_str(text).unwrap()).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn a_file_that_is_no_scenario_is_refused_with_the_place() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let file = folder.join("mine.json");
    for (change, told) in [
        (("/name", json!("Mine!")), "`name`: `Mine!` is not made of small letters"),
        (("/steps", json!([])), "`steps`: an app that is called has something to answer"),
        (("/steps/0/prompt/type", json!("login")), "`steps[0].prompt`: unknown variant `login`"),
        (("/steps/0/prompt/auth/attempt", json!("one")), "`steps[0].prompt`:"),
        (("/steps/0/prompt", json!({"type": "response"})), "`steps[0].prompt`:"),
        (
            ("/steps/0/answer/sub", json!("bob")),
            "`steps[0].answer` is not what `expect` says: `/sub` is \"bob\"",
        ),
        (("/steps/0/answer", json!({"type": "auth"})), "`steps[0].answer`: missing field `sub`"),
        (("/steps/0", json!({"prompt": {}, "exepct": []})), "`steps[0].exepct`: unknown field `exepct`"),
    ] {
        let mut text = mine();
        *text.pointer_mut(change.0).unwrap() = change.1;
        fs::write(&file, text.to_string()).unwrap();
        let refused = of(&file).unwrap_err();
        assert!(refused.contains(told), "{refused}");
    }
    fs::write(&file, "{").unwrap();
    assert!(of(&file).is_err());
}

#[test]
fn folders_files_and_names_are_found_and_nothing_else() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    assert!(of(folder).unwrap_err().contains("there is no `.json` file in this folder"));
    fs::write(folder.join("mine.json"), mine().to_string()).unwrap();
    fs::write(folder.join("notes.txt"), "not a scenario").unwrap();
    assert_eq!(of(folder).unwrap().scenarios()[0].name, "mine");
    let both = [folder.to_str().unwrap(), "first-login"].map(str::to_owned);
    let gallery = Gallery::of(&both).unwrap();
    assert_eq!(
        gallery.groups().iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["Your own", "Signing in"]
    );
    assert!(gallery.find("max-age").is_none());
    fs::write(folder.join("twice.json"), mine().to_string()).unwrap();
    assert!(of(folder).unwrap_err().contains("two scenarios are called `mine`"));
    let unknown = Gallery::of(&["no-such-thing".to_owned()]).unwrap_err().to_string();
    assert!(unknown.contains("`no-such-thing`") && unknown.contains("--list"), "{unknown}");
}

#[tokio::test]
async fn a_file_that_changes_is_read_again() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let file = folder.join("mine.json");
    fs::write(&file, mine().to_string()).unwrap();
    let stage = Stage::with(settings(&[folder.to_str().unwrap()])).await;
    assert!(stage.page("/").await.text.contains("About mine."));
    let mut changed = mine();
    changed["about"] = json!("About something else.");
    fs::write(&file, changed.to_string()).unwrap();
    assert!(stage.page("/").await.text.contains("About something else."));
    fs::write(&file, "{}").unwrap();
    let broken = stage.page("/").await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(broken.text.contains("mine.json") && broken.text.contains("missing field"), "{}", broken.text);
    assert_eq!(stage.page("/start/mine").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}
