//! Limits, asked directly.

use super::*;
use crate::{clock::ManualClock, config::ClientLimitsConfig};

fn limits(change: impl FnOnce(&mut LimitsConfig)) -> (Limits, Arc<ManualClock>) {
    let mut config = LimitsConfig { keys: 8_000, ..LimitsConfig::default() };
    change(&mut config);
    let clock = Arc::new(ManualClock::new(1_800_000_000));
    (Limits::new(&config, 900, (clock.clone(), LimitMeter::default())), clock)
}

fn at(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_limit_counts_per_key_says_what_is_left_and_how_long_to_wait() {
    let (limits, clock) = limits(|config| config.register = 2);
    let (a, b) = (at("192.0.2.1"), at("192.0.2.2"));
    let policy = Policy { name: "register", quota: 2, window: 60 };
    let ask = |peer| limits.address(Asked::Register, peer);
    assert_eq!(ask(a), Ok(Some(Standing { policy, remaining: 1, reset: 30 })));
    assert_eq!(ask(a), Ok(Some(Standing { policy, remaining: 0, reset: 60 })));
    assert_eq!(ask(a), Err(TooMany { policy, retry_after: 30 }));
    assert_eq!(ask(b), Ok(Some(Standing { policy, remaining: 1, reset: 30 })));
    clock.advance(29);
    assert_eq!(ask(a), Err(TooMany { policy, retry_after: 1 }));
    clock.advance(1);
    assert_eq!(ask(a), Ok(Some(Standing { policy, remaining: 0, reset: 60 })));
    assert_eq!(ask(a), Err(TooMany { policy, retry_after: 30 }));
}

#[test]
fn each_kind_of_request_has_limits_of_its_own() {
    use Asked::{Authorize, Ciba, Device, Introspection, Par, Register, Revocation, Token, UserInfo};
    let (limits, _) = limits(|config| {
        *config = LimitsConfig {
            token: 11,
            par: 12,
            device: 13,
            ciba: 14,
            introspection: 15,
            revocation: 16,
            userinfo: 17,
            authorize: 18,
            register: 19,
            clients: ClientLimitsConfig {
                token: 21,
                par: 22,
                device: 23,
                ciba: 24,
                introspection: 25,
                revocation: 26,
            },
            ..*config
        };
    });
    let quota = |taken: Result<Option<Standing>, TooMany>| taken.unwrap().map_or(0, |s| s.policy.quota);
    let kinds = [Token, Par, Device, Ciba, Introspection, Revocation, UserInfo, Authorize, Register];
    let peer = at("192.0.2.1");
    assert_eq!(kinds.map(|asked| quota(limits.address(asked, peer))), [11, 12, 13, 14, 15, 16, 17, 18, 19]);
    assert_eq!(kinds.map(|asked| quota(limits.client(asked, "web"))), [21, 22, 23, 24, 25, 26, 0, 0, 0]);
}

#[test]
fn what_is_off_or_zero_limits_nothing_and_keeps_nothing() {
    let (zero, _) = limits(|config| config.token = 0);
    let (off, _) = limits(|config| config.enabled = false);
    for limits in [zero, off] {
        for _ in 0..10_000 {
            assert_eq!(limits.address(Asked::Token, at("192.0.2.1")), Ok(None));
        }
    }
}

#[test]
fn who_failed_too_often_waits_but_nobody_else_does() {
    let (limits, clock) = limits(|config| {
        config.failures = 2;
        config.failures_per_address = 4;
    });
    let (a, b) = (at("192.0.2.1"), at("192.0.2.2"));
    for _ in 0..2 {
        limits.failure(a, "web");
        assert_eq!(limits.may_try(a, "web"), Ok(()));
    }
    limits.failure(a, "web");
    assert_eq!(limits.may_try(a, "web").unwrap_err().retry_after, 30);
    assert_eq!(limits.may_try(a, "other"), Ok(()), "another client at the address goes on");
    assert_eq!(limits.may_try(b, "web"), Ok(()));
    limits.failure(a, "one");
    assert_eq!(limits.may_try(a, "other"), Ok(()));
    limits.failure(a, "two");
    let waits = limits.may_try(a, "other").unwrap_err();
    assert_eq!(
        (waits.policy.name, waits.retry_after),
        ("failures-address", 30),
        "whoever it says that it is"
    );
    assert_eq!(limits.may_try(b, "web"), Ok(()));
    clock.advance(29);
    assert_eq!(limits.may_try(a, "web").unwrap_err().retry_after, 1);
    clock.advance(1);
    assert_eq!(limits.may_try(a, "web"), Ok(()));
}

#[test]
fn wrong_codes_are_counted_by_browser_by_address_and_in_all() {
    let (limits, _) = limits(|config| {
        config.user_codes = 1;
        config.user_codes_per_address = 3;
        config.user_codes_in_all = 5;
    });
    let at = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
    let wrong = |peer, browser: &str, times| (0..times).for_each(|_| limits.wrong_code(peer, browser));
    wrong(at(1), "a", 2);
    assert!(limits.may_enter_code(at(1), "a").is_err());
    assert!(limits.may_enter_code(at(2), "a").is_err(), "a browser may change its address");
    assert_eq!(limits.may_enter_code(at(1), "b"), Ok(()));
    wrong(at(1), "b", 1);
    wrong(at(1), "c", 1);
    assert!(limits.may_enter_code(at(1), "d").is_err(), "browsers are made quickly");
    assert_eq!(limits.may_enter_code(at(2), "d"), Ok(()));
    wrong(at(2), "d", 1);
    wrong(at(3), "e", 1);
    assert!(limits.may_enter_code(at(4), "f").is_err(), "there are many addresses");
}

#[test]
fn a_user_name_has_one_limit_however_it_is_written() {
    for written in [
        "alice",
        "ALICE",
        " alice\t",
        "al ice",
        "\u{ff41}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}",
        "al\u{200b}ice",
        "ali\u{ad}ce",
        "a\u{fe0f}lice\u{0}",
    ] {
        assert_eq!(folded(written), "alice", "{written:?}");
    }
    assert_eq!(folded("Ame\u{301}lie"), folded("AM\u{c9}LIE"));
    assert_ne!(folded("alice"), folded("alice2"));
}

#[test]
fn a_network_of_ipv6_shares_a_limit_and_a_site_has_sixteen() {
    let (limits, _) = limits(|config| config.register = 1);
    let ask = |text: &str| limits.address(Asked::Register, at(text));
    assert!(ask("2001:db8::1").is_ok());
    assert!(ask("2001:db8::2").is_err());
    for network in 1..16 {
        assert!(ask(&format!("2001:db8:0:{network}::1")).is_ok());
    }
    let refused = ask("2001:db8:0:16::1").unwrap_err();
    assert_eq!(refused.policy, Policy { name: "register-network", quota: 16, window: 60 });
    assert!(ask("2001:db8:1::1").is_ok());
}

#[test]
fn a_flood_of_addresses_makes_nobody_forget_who_was_near_a_limit() {
    let (limits, _) = limits(|config| {
        config.keys = 800;
        config.register = 10;
    });
    for _ in 0..10 {
        limits.address(Asked::Register, at("192.0.2.1")).unwrap();
    }
    for stranger in 0..100_000_u32 {
        limits.address(Asked::Register, IpAddr::from(stranger.to_be_bytes())).unwrap();
    }
    assert!(limits.address(Asked::Register, at("192.0.2.1")).is_err());
}

#[test]
fn what_is_kept_is_bounded_by_address_and_in_all_for_as_long_as_it_lives() {
    let (limits, clock) = limits(|config| {
        config.pending_per_address = 3;
        config.pending_in_all = 5;
    });
    let keep = |peer: &str| limits.keep(Some(at(peer)));
    assert!((0..3).all(|_| keep("192.0.2.1").is_ok()));
    let refused = keep("192.0.2.1").unwrap_err();
    assert_eq!(
        refused,
        TooMany { policy: Policy { name: "pending", quota: 3, window: 900 }, retry_after: 300 }
    );
    assert_eq!((keep("192.0.2.2"), limits.keep(None)), (Ok(()), Ok(())));
    assert_eq!(limits.keep(None).unwrap_err().policy.name, "pending-all");
    clock.advance(900);
    assert!(keep("192.0.2.1").is_ok());
}
