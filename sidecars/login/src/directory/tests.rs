use super::*;
use tempfile::TempDir;

/// Where a file of users may be made, in a folder that goes away.
struct Place {
    path: PathBuf,
    _folder: TempDir,
}

impl std::ops::Deref for Place {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

fn place() -> Place {
    let folder = TempDir::new().unwrap();
    Place { path: folder.path().join("users.toml"), _folder: folder }
}

fn vault(path: &Path) -> Vault {
    let key = path.with_extension("key");
    Vault::make_file(&key).unwrap();
    Vault::from_file(&key).unwrap()
}

fn development(path: &Path) -> Result<Directory, DirectoryError> {
    Directory::open_for_development(path, &vault(path))
}

fn user(name: &str) -> User {
    User::new(name, StoredHash::new("$argon2id$x".to_owned()))
}

#[test]
fn development_users_have_every_standard_claim_and_are_read_back() {
    let path = place();
    let directory = development(&path).unwrap();
    for name in ["alice", "bob"] {
        let user = directory.by_name(name).unwrap();
        for claim in user::STANDARD_CLAIMS {
            assert!(user.claims.contains_key(claim), "{name} lacks {claim}");
        }
    }
    let alice = directory.by_name("alice").unwrap();
    assert!(alice.claims.contains_key("name#ja"));
    assert!(alice.claims["address"]["postal_code"].is_string());
    assert_eq!(directory.by_name(" ALICE@example.com ").unwrap().sub, alice.sub);
}

#[test]
fn without_development_mode_a_missing_file_is_an_error() {
    assert!(matches!(Directory::open(&place()), Err(DirectoryError::File { .. })));
}

#[test]
fn a_new_user_survives_a_restart_and_names_stay_unique() {
    let path = place();
    let directory = development(&path).unwrap();
    directory.add(user("carol")).unwrap();
    assert!(matches!(directory.add(user("Carol")), Err(DirectoryError::Taken(_))));
    let again = Directory::open(&path).unwrap();
    assert_eq!(again.by_name("carol").unwrap().username, "carol");
    assert!(again.by_name("alice").is_some());
}

#[test]
fn another_users_email_address_cannot_be_taken_as_a_name() {
    let path = place();
    let directory = development(&path).unwrap();
    assert!(matches!(directory.add(user("alice@example.com")), Err(DirectoryError::Taken(_))));
}

#[test]
fn a_change_by_another_process_is_seen() {
    let path = place();
    let running = development(&path).unwrap();
    Directory::open(&path).unwrap().add(user("dave")).unwrap();
    assert!(running.by_name("dave").is_some());
}

#[test]
fn a_broken_file_does_not_take_the_users_away_and_its_error_quotes_no_hash() {
    let path = place();
    let running = development(&path).unwrap();
    fs::write(&*path, "[[user]]\npassword = \"$argon2id$secret\"\nusername = 7\n").unwrap();
    assert!(running.by_name("alice").is_some());
    let error = Directory::open(&path).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
}

#[test]
fn a_code_is_good_once_and_no_earlier_one_after_it_whoever_else_has_the_file_open() {
    let path = place();
    let directory = development(&path).unwrap();
    let other = Directory::open(&path).unwrap();
    let secret = directory.by_sub("alice").unwrap().totp.as_ref().unwrap().secret().to_owned();
    let use_up = |directory: &Directory, step| directory.use_code("alice", (&secret, step));
    use_up(&directory, 100).unwrap();
    for step in [100, 99] {
        assert!(matches!(use_up(&directory, step), Err(DirectoryError::Used)), "{step}");
        assert!(matches!(use_up(&other, step), Err(DirectoryError::Used)), "{step}");
    }
    use_up(&other, 101).unwrap();
    assert!(matches!(use_up(&directory, 101), Err(DirectoryError::Used)));
    assert!(matches!(directory.use_code("alice", ("another", 102)), Err(DirectoryError::Used)));
    assert!(matches!(directory.use_code("bob", (&secret, 102)), Err(DirectoryError::Used)), "he has none");
}

#[test]
fn of_50_racing_uses_of_one_code_one_wins() {
    let path = place();
    let directory = development(&path).unwrap();
    let secret = directory.by_sub("alice").unwrap().totp.as_ref().unwrap().secret().to_owned();
    let won = std::thread::scope(|scope| {
        let uses: Vec<_> = (0..50)
            .map(|_| scope.spawn(|| Directory::open(&path).unwrap().use_code("alice", (&secret, 7)).is_ok()))
            .collect();
        uses.into_iter().map(|one| one.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn a_second_factor_is_sealed_and_never_replaced_but_by_the_operator() {
    let path = place();
    let directory = development(&path).unwrap();
    let text = fs::read_to_string(&*path).unwrap();
    assert!(text.contains("secret = \"v1.") && !text.contains(development::SECRET), "{text}");
    let other = || StoredTotp::new(vault(&path).seal("alice", &[1; 20]), 0);
    assert!(matches!(directory.enrol("alice", other()), Err(DirectoryError::Enrolled)));
    directory.remove_totp("ALICE").unwrap();
    directory.enrol("alice", other()).unwrap();
    let stored = Directory::open(&path).unwrap().by_sub("alice").unwrap().totp.clone().unwrap();
    assert_eq!(vault(&path).open("alice", stored.secret()).unwrap(), [1; 20]);
    assert!(!format!("{stored:?}").contains(stored.secret()));
}
