//! Applications of one vendor on one device.

use placet_sdk::decision::HookType;

use crate::config::{Config, PolicyMode};

impl Config {
    pub(super) fn check_native_sso(&self, wrong: &mut Vec<String>) {
        let native = &self.native_sso;
        for (at, name) in native.groups.iter().enumerate() {
            let sound = !name.is_empty()
                && name.len() <= 64
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
            if !sound || native.groups[..at].contains(name) {
                wrong.push(format!(
                    "native_sso.groups: `{name}` must be 1 to 64 letters, digits, `-`, `_` and `.`, and stand there once"
                ));
            }
        }
        if native.lifetime == 0 {
            wrong.push("native_sso.lifetime must be greater than 0".to_owned());
        }
        let decided = self.policy.iter().any(|policy| {
            policy.mode == PolicyMode::Enforce && policy.types.contains(&HookType::GrantTokenExchange)
        });
        if native.is_on() && !decided {
            wrong.push("native_sso.groups needs a policy of the type `grant.token_exchange`".to_owned());
        }
    }
}
