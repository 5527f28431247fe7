//! The decision API, `docs/protocol.md`: sidecars behind Unix sockets, and whom such a socket has to belong to.

use std::sync::Arc;

use placet_server::config::PolicyConfig;
use serde_json::json;

use super::{
    deciding::{allow, ask, failure, with},
    folder::Folder,
    sidecar::{Answered, Asked, Sidecar, policy},
};

const HOOK: &str = "grant.client_credentials";
/// A user who is neither the one of the server nor root.
const NOBODY: u32 = 65_534;

#[tokio::test]
async fn a_sidecar_on_a_unix_socket_is_asked_if_the_socket_belongs_to_who_it_should() {
    let folder = Folder::new("socket");
    let path = folder.join("policy.sock");
    let sidecar = Sidecar::on_socket(&path, Arc::new(allow));
    assert_eq!(ask(&with(sidecar.policy("socket", &[HOOK])).await).await.status, 200);
    assert_eq!(sidecar.asked()[1].path, "/");
    let deeper = PolicyConfig {
        url: Some(format!("{}:/placet/decide", sidecar.url)),
        discovery: false,
        ..sidecar.policy("deeper", &[HOOK])
    };
    assert_eq!(ask(&with(deeper).await).await.status, 200);
    assert_eq!(sidecar.asked()[2].path, "/placet/decide");

    // The file may be of one user and whoever listens of another: either must be who it should.
    if std::os::unix::fs::chown(&path, Some(NOBODY), None).is_ok() {
        for peer_uid in [Some(NOBODY), None] {
            let mut handed = sidecar.policy("handed", &[HOOK]);
            handed.auth.peer_uid = peer_uid;
            let stand = with(handed).await;
            assert_eq!(ask(&stand).await.status, 503, "{peer_uid:?}");
            assert_eq!(failure(&stand), "connect");
        }
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
    let mut foreign = sidecar.policy("foreign", &[HOOK]);
    foreign.auth.peer_uid = Some(4_000_000_000);
    let stand = with(foreign).await;
    assert_eq!(ask(&stand).await.status, 503);
    assert_eq!(failure(&stand), "connect");
    let file = folder.join("no-socket");
    std::fs::write(&file, "").unwrap();
    let no_socket = policy("file", &[HOOK], &format!("unix://{}", file.display()));
    assert_eq!(ask(&with(no_socket).await).await.status, 503);
}

#[tokio::test]
async fn a_document_behind_a_socket_names_no_other_socket() {
    let folder = Folder::new("sockets");
    let (path, other) = (folder.join("policy.sock"), folder.join("other.sock"));
    for (named, status, code) in [
        (format!("unix://{}:/ask", path.display()), 200, "none"),
        (format!("unix://{}:/ask", other.display()), 503, "id_mismatch"),
        ("http://localhost/ask".to_owned(), 503, "id_mismatch"),
        (path.display().to_string(), 503, "id_mismatch"),
    ] {
        let _ = std::fs::remove_file(&path);
        let id = format!("unix://{}", path.display());
        let document = json!({
            "sidecar": { "id": id, "name": "acme-policy", "version": "7" },
            "protocols": ["1.0"], "decision_endpoint": named, "types": [{ "type": HOOK }],
        });
        let sidecar = Sidecar::on_socket(
            &path,
            Arc::new(move |asked: &Asked| match asked.method.as_str() {
                "POST" => Answered::allow(asked, &json!({})),
                _ => Answered::json(200, &document),
            }),
        );
        let stand = with(sidecar.policy("socket", &[HOOK])).await;
        assert_eq!(ask(&stand).await.status, status, "{named}");
        assert_eq!(failure(&stand), code, "{named}");
        assert_eq!(sidecar.requests().len(), usize::from(status == 200), "{named}");
    }
}
