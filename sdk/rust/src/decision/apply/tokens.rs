//! The limits of the tokens of a grant.

use super::{
    super::{
        limits::{AccessTokenLimits, GrantLimits, IdTokenLimits, RefreshTokenLimits},
        violation::Violation,
    },
    rules::{member, quoted},
};
use crate::grant::{
    AccessTokenSettings, Encoding, Grant, IdTokenSettings, RefreshTokenSettings, Rotation, SenderConstraint,
    Tokens, UserinfoSettings,
};

type Checked = Result<(), Violation>;

pub(super) fn check(old: &Grant, new: &Grant, limits: &GrantLimits) -> Checked {
    let reserved = &limits.reserved_claims;
    let (before, after) =
        (old.access_token.clone().unwrap_or_default(), new.access_token.clone().unwrap_or_default());
    access_token(&before, &after, &limits.access_token)?;
    member("/grant/access_token/claims", before.claims.as_ref(), after.claims.as_ref())
        .claims(limits.access_token.max_claims_bytes, reserved)?;
    let access = after;
    let (before, after) =
        (old.refresh_token.clone().unwrap_or_default(), new.refresh_token.clone().unwrap_or_default());
    refresh_token(&before, &after, &limits.refresh_token)?;
    carried(before.tokens, after.tokens, &access)?;
    let (before, after) =
        (old.id_token.clone().unwrap_or_default(), new.id_token.clone().unwrap_or_default());
    id_token(&before, &after, &limits.id_token)?;
    member("/grant/id_token/claims", before.claims.as_ref(), after.claims.as_ref())
        .claims(limits.id_token.max_claims_bytes, reserved)?;
    let claims = |userinfo: &Option<UserinfoSettings>| userinfo.as_ref().and_then(|u| u.claims.clone());
    member("/grant/userinfo/claims", claims(&old.userinfo).as_ref(), claims(&new.userinfo).as_ref())
        .claims(limits.max_userinfo_bytes, reserved)
}

fn access_token(old: &AccessTokenSettings, new: &AccessTokenSettings, limits: &AccessTokenLimits) -> Checked {
    member("/grant/access_token/encoding", old.encoding.as_ref(), new.encoding.as_ref())
        .one_of(&limits.encodings)?;
    member("/grant/access_token/lifetime", old.lifetime.as_ref(), new.lifetime.as_ref())
        .lasts(limits.max_lifetime)?;
    member("/grant/access_token/audience", old.audience.as_ref(), new.audience.as_ref())
        .among(&limits.audiences, |audience| quoted(audience))?;
    if old.audience != new.audience && new.audience.as_ref().is_some_and(Vec::is_empty) {
        return Err(Violation::limit("/grant/access_token/audience", "a token is meant for somebody"));
    }
    member("/grant/access_token/sub_type", old.sub_type.as_ref(), new.sub_type.as_ref())
        .one_of(&limits.sub_types)?;
    member("/grant/access_token/encrypt", old.encrypt.as_ref(), new.encrypt.as_ref())
        .only_on_if(limits.encrypt)?;
    member(
        "/grant/access_token/sender_constraint",
        old.sender_constraint.as_ref(),
        new.sender_constraint.as_ref(),
    )
    .at_least(limits.sender_constraint, binding_strength, 2)?;
    member("/grant/access_token/single_use", old.single_use.as_ref(), new.single_use.as_ref())
        .only_on_if(limits.single_use)
}

fn binding_strength(constraint: SenderConstraint) -> u8 {
    match constraint {
        SenderConstraint::None => 0,
        SenderConstraint::IfPresented => 1,
        SenderConstraint::Required => 2,
    }
}

fn refresh_token(
    old: &RefreshTokenSettings,
    new: &RefreshTokenSettings,
    limits: &RefreshTokenLimits,
) -> Checked {
    member("/grant/refresh_token/issue", old.issue.as_ref(), new.issue.as_ref()).on_if(limits.allowed)?;
    let (old, new) = (
        RefreshTokenSettings { issue: None, ..old.clone() },
        RefreshTokenSettings { issue: None, ..new.clone() },
    );
    if old != new && !limits.allowed {
        return Err(Violation::limit("/grant/refresh_token", "there is no refresh token"));
    }
    member("/grant/refresh_token/lifetime", old.lifetime.as_ref(), new.lifetime.as_ref())
        .lasts(limits.max_lifetime)?;
    let idle = member("/grant/refresh_token/max_idle", old.max_idle.as_ref(), new.max_idle.as_ref());
    match limits.max_idle {
        0 => idle.up_to(u32::MAX)?,
        max => idle.lasts(max)?,
    }
    member("/grant/refresh_token/rotation", old.rotation.as_ref(), new.rotation.as_ref()).at_least(
        limits.rotation,
        rotation_strength,
        2,
    )?;
    member("/grant/refresh_token/grace", old.grace.as_ref(), new.grace.as_ref()).up_to(limits.max_grace)?;
    member("/grant/refresh_token/tokens", old.tokens.as_ref(), new.tokens.as_ref()).one_of(&limits.tokens)
}

/// Who chooses refresh tokens that carry everything themselves has access tokens that the store need not know.
fn carried(before: Option<Tokens>, after: Option<Tokens>, access: &AccessTokenSettings) -> Checked {
    let stored = access.encoding == Some(Encoding::Opaque) || access.single_use == Some(true);
    if before != after && after == Some(Tokens::Stateless) && stored {
        let text = "`stateless` needs access tokens that are JWTs and not for a single use";
        return Err(Violation::limit("/grant/refresh_token/tokens", text));
    }
    Ok(())
}

fn rotation_strength(rotation: Rotation) -> u8 {
    match rotation {
        Rotation::Never => 0,
        Rotation::Auto => 1,
        Rotation::Always => 2,
    }
}

fn id_token(old: &IdTokenSettings, new: &IdTokenSettings, limits: &IdTokenLimits) -> Checked {
    member("/grant/id_token/issue", old.issue.as_ref(), new.issue.as_ref()).on_if(limits.allowed)?;
    member("/grant/id_token/lifetime", old.lifetime.as_ref(), new.lifetime.as_ref())
        .lasts(limits.max_lifetime)?;
    member("/grant/id_token/audience", old.audience.as_ref(), new.audience.as_ref())
        .among(&limits.audiences, |audience| quoted(audience))?;
    member(
        "/grant/id_token/reissue_on_refresh",
        old.reissue_on_refresh.as_ref(),
        new.reissue_on_refresh.as_ref(),
    )
    .on_if(limits.reissue_on_refresh)
}
