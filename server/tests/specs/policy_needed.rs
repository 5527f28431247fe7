//! Grants that exist only while a policy decides about them: what becomes of them without one.

use placet_sdk::decision::HookType;
use placet_server::config::{PolicyConfig, PolicyMode};
use serde_json::json;

use super::{
    policy_doors::{Came, Scene, Wish},
    policy_stage::stored,
    sidecar::Sidecar,
};

/// The request is refused with this error because nobody decides about it, and uses nothing up.
async fn refused(scene: &Scene, wish: &mut Wish, (error, what): (&str, &str)) {
    let before = stored(&scene.stand);
    let Came::Other(reply) = wish.make(&scene.stand).await else { panic!("{what}") };
    assert!(reply.contains("status: 400") && reply.contains(error), "{what}: {reply}");
    assert_eq!(stored(&scene.stand), before, "{what}");
}

#[tokio::test]
async fn a_grant_that_needs_a_policy_is_off_while_none_is_asked() {
    let scene = Scene::start(None, |_| ()).await;
    let policies = scene.stand.server.policies();
    for hook in HookType::ALL.into_iter().filter(|hook| hook.needs_policy()) {
        let mut wish = scene.wish(hook).await;
        // An operator takes the policy away while the server runs; what it says in shadow counts for nothing.
        for mode in [PolicyMode::Off, PolicyMode::Shadow] {
            policies.set_mode("other", mode).unwrap();
            refused(&scene, &mut wish, ("unsupported_grant_type", hook.as_str())).await;
        }
        policies.set_mode("other", PolicyMode::Enforce).unwrap();
        let came = wish.make(&scene.stand).await;
        let good = if hook == HookType::GrantSaml2Bearer { Came::Spent } else { Came::Good };
        assert_eq!(came, good, "{hook}: both decisions about SAML belong to one assertion");
    }
}

#[tokio::test]
async fn a_policy_that_leaves_somebody_out_does_not_let_them_in() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let hooks = HookType::ALL.into_iter().filter(|hook| hook.needs_policy());
    for hook in hooks.chain([HookType::GrantJwtBearer]) {
        let when = json!({ "/client/client_id": { "eq": "somebody-else" } });
        let policy = PolicyConfig {
            when: vec![serde_json::from_value(when).unwrap()],
            ..sidecar.policy("picky", &[hook.as_str()])
        };
        let scene = Scene::start(Some(&policy), |_| ()).await;
        let mut wish = match hook {
            // A client that vouches for itself needs nobody.
            HookType::GrantJwtBearer => scene.foreign(),
            _ => scene.wish(hook).await,
        };
        refused(&scene, &mut wish, ("unauthorized_client", hook.as_str())).await;
    }
    assert!(sidecar.requests().is_empty());
}
