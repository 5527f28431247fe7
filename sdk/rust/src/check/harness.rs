//! The kit as tests of a policy that is written in Rust.

use std::path::Path;

use tokio::{net::TcpListener, sync::oneshot};

use super::{CaseFile, Finding, Options, Report, run};
use crate::{
    policy::{Policy, Settings, serve},
    signature::Secret,
};

/// What became of a policy.
#[derive(Debug)]
pub struct Tried(Result<Report, String>);

/// Serves the policy on a port of the loopback interface, checks it and stops it.
pub fn policy(policy: impl Policy, cases: &[&str]) -> Tried {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Tried(match runtime {
        Ok(runtime) => runtime.block_on(tried(policy, cases)).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    })
}

/// How long a policy has to answer within a test, in milliseconds: other tests may keep the machine busy.
const TIMEOUT_MS: u32 = 5_000;

async fn tried(
    policy: impl Policy,
    cases: &[&str],
) -> Result<Report, Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    // Secrets for one run, known to nobody but this process.
    let secret = || Secret::from_bytes(super::envelope::fresh_id().into_bytes());
    let (request, response) = (secret()?, secret()?);
    let settings = Settings::new(&url, request.clone())?.response_secret(response.clone())?;
    let mut options = Options::new(url, request);
    options.response_secret = Some(response);
    options.timeout_ms = Some(TIMEOUT_MS);
    for path in cases {
        options.cases.extend(CaseFile::read(Path::new(path))?.cases);
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(policy).listener(settings, listener, async { drop(stopped.await) }));
    let report = run(options).await;
    drop(stop);
    serving.await??;
    Ok(report?)
}

impl Tried {
    /// Panics unless the check holds, or could not be tried.
    pub fn assert(&self, id: &str) {
        let report = match &self.0 {
            Ok(report) => report,
            Err(error) => panic!("nothing could be checked: {error}"),
        };
        for one in report.checked.iter().filter(|one| one.id == id) {
            if let Finding::Failed(found) = &one.finding {
                panic!("{} {}:\n  {}", one.id, one.title, found.join("\n  "));
            }
        }
    }
}

/// Makes `cargo test` try a [policy](crate::policy::Policy): a test per check, and one for the author's cases.
///
/// ```
/// use placet_sdk::policy::{ClientCredentials, Decision, Policy};
///
/// struct Reports;
///
/// impl Policy for Reports {
///     async fn client_credentials(&self, x: ClientCredentials) -> Decision<ClientCredentials> {
///         let scope = x.limits().scope_where(|value| value.starts_with("reports."));
///         if scope.is_empty() { x.deny("invalid_scope", "only reports") } else { x.allow().scope(scope) }
///     }
/// }
///
/// placet_sdk::check!(Reports);
/// # fn main() {}
/// ```
///
/// Files of cases lie beside `Cargo.toml`: `placet_sdk::check!(Reports, "cases.json")`.
#[macro_export]
macro_rules! check {
    ($policy:expr $(, $cases:literal)* $(,)?) => {
        $crate::check! { @tests $policy; [$($cases),*];
            a_request_is_answered_with_a_decision "C1",
            the_id_is_repeated "C2",
            unknown_members_and_headers_are_ignored "C3",
            an_unknown_type_is_answered_with_501 "C4",
            malformed_json_is_answered_with_400 "C5",
            another_content_type_is_answered_with_415 "C6",
            what_is_set_is_within_the_limits "C7",
            what_is_required_is_set "C8",
            a_denial_has_a_code_of_its_type "C9",
            get_and_head_are_not_answered_with_200 "C10",
            an_answer_leaves_a_fifth_of_the_time "C11",
            a_name_twice_and_deep_nesting_are_answered_with_400 "C12",
            a_request_without_a_signature_is_answered_with_401 "S1",
            a_wrong_signature_is_answered_with_401 "S2",
            a_timestamp_ten_minutes_off_is_answered_with_401 "S3",
            an_altered_body_is_answered_with_401 "S4",
            either_of_two_signatures_is_accepted "S5",
            answers_are_signed_with_a_secret_of_their_own "S6",
            nothing_is_redirected "S7",
            no_secret_stands_in_an_answer "S8",
            headers_that_differ_from_the_body_are_answered_with_400 "S10",
            the_same_id_gets_the_same_decision "R1",
            fifty_requests_at_once_are_answered "R2",
            broken_connections_do_no_harm "R3",
            the_discovery_document_is_valid "D1",
            declared_types_are_answered_and_others_with_501 "D2",
            what_is_not_declared_as_needed_changes_nothing "D3",
            the_cases_of_the_author_hold "case",
        }
    };
    (@tests $policy:expr; [$($cases:literal),*]; $($name:ident $id:literal,)*) => {
        #[cfg(test)]
        mod conformance {
            use super::*;

            /// The kit runs once; each test looks at its own part of what was found.
            static TRIED: ::std::sync::LazyLock<$crate::check::Tried> = ::std::sync::LazyLock::new(|| {
                $crate::check::policy($policy, &[$(concat!(env!("CARGO_MANIFEST_DIR"), "/", $cases)),*])
            });

            $(
                #[test]
                fn $name() {
                    TRIED.assert($id);
                }
            )*
        }
    };
}
