//! The few rules that all limits are made of.

use std::fmt::Display;

use serde_json::Value;

use super::super::{
    json::below,
    limits::Freedom,
    violation::{Violation, ViolationCode},
};
use crate::grant::{Object, is_reserved_claim};

/// The most claims of one object.
pub(super) const MAX_CLAIMS: usize = 256;

/// A member before and after the patch.
pub(super) struct Member<'a, T: ?Sized> {
    pointer: &'a str,
    old: Option<&'a T>,
    new: Option<&'a T>,
}

pub(super) fn member<'a, T: PartialEq + ?Sized>(
    pointer: &'a str,
    old: Option<&'a T>,
    new: Option<&'a T>,
) -> Member<'a, T> {
    Member { pointer, old, new }
}

type Checked = Result<(), Violation>;

impl<'a, T: PartialEq + ?Sized> Member<'a, T> {
    pub(super) fn pointer(&self) -> &str {
        self.pointer
    }

    fn changed(&self) -> bool {
        self.old != self.new
    }

    /// The new value, if there is one that differs. To remove what was proposed lifts the ceiling that it is.
    pub(super) fn replaced(&self) -> Result<Option<&'a T>, Violation> {
        match self.new {
            _ if !self.changed() => Ok(None),
            None => Err(Violation::limit(self.pointer, "this cannot be removed")),
            new => Ok(new),
        }
    }

    /// It may be set, or must stay.
    pub(super) fn free(&self, freedom: Freedom) -> Checked {
        let said = match freedom {
            Freedom::Settable => return Ok(()),
            Freedom::Fixed => "this stays as it is proposed",
            Freedom::Forbidden => "this cannot be set here",
        };
        if self.changed() { Err(Violation::limit(self.pointer, said)) } else { Ok(()) }
    }

    /// It is one of these.
    pub(super) fn one_of<L>(&self, allowed: &[L]) -> Checked
    where
        T: PartialEq<L>,
    {
        match self.replaced()? {
            Some(new) if !allowed.iter().any(|one| new == one) => {
                Err(Violation::limit(self.pointer, "this is not one of what is allowed"))
            }
            _ => Ok(()),
        }
    }
}

impl<T: PartialEq + Copy> Member<'_, T> {
    /// It is not weaker than the floor; where none is stated, not weaker than what was proposed, and where nothing
    /// was proposed, of full strength.
    pub(super) fn at_least(&self, floor: Option<T>, strength: impl Fn(T) -> u8, full: u8) -> Checked {
        let floor = floor.or(self.old.copied()).map_or(full, &strength);
        match self.replaced()? {
            Some(&new) if strength(new) < floor => {
                Err(Violation::limit(self.pointer, "this is weaker than what is allowed"))
            }
            _ => Ok(()),
        }
    }
}

impl Member<'_, u32> {
    /// A time of at least one second that is not longer than the limit; 0 as a limit means that none is stated.
    pub(super) fn lasts(&self, max: u32) -> Checked {
        match self.replaced()? {
            Some(&new) if new == 0 || new > max => Err(self.beyond(1, max)),
            _ => Ok(()),
        }
    }

    /// At least one, and at least the limit.
    pub(super) fn no_less(&self, min: u32) -> Checked {
        match self.replaced()? {
            Some(&new) if new < min.max(1) => {
                Err(Violation::limit(self.pointer, format!("this is at least {}", min.max(1))))
            }
            _ => Ok(()),
        }
    }

    /// Nothing, or up to the limit.
    pub(super) fn up_to(&self, max: u32) -> Checked {
        match self.replaced()? {
            Some(&new) if new > max => Err(self.beyond(0, max)),
            _ => Ok(()),
        }
    }

    fn beyond(&self, min: u32, max: u32) -> Violation {
        match max {
            0 => Violation::limit(self.pointer, "no limit is stated, so this cannot be set"),
            max => Violation::limit(self.pointer, format!("this is from {min} to {max}")),
        }
    }
}

impl Member<'_, bool> {
    /// It may be switched off, and on only if that is allowed.
    pub(super) fn on_if(&self, allowed: bool) -> Checked {
        match self.replaced()? {
            Some(true) if !allowed => Err(Violation::limit(self.pointer, "this cannot be switched on")),
            _ => Ok(()),
        }
    }

    /// It is never switched off, and on only if that is allowed.
    pub(super) fn only_on_if(&self, allowed: bool) -> Checked {
        match self.replaced()? {
            Some(true) if !allowed => Err(Violation::limit(self.pointer, "this cannot be switched on")),
            Some(false) if self.old == Some(&true) => {
                Err(Violation::limit(self.pointer, "this cannot be switched off"))
            }
            _ => Ok(()),
        }
    }
}

impl<T: PartialEq> Member<'_, Vec<T>> {
    /// Each is one of those allowed, and none is there more often than it is allowed.
    pub(super) fn among<L>(&self, allowed: &[L], shown: impl Fn(&T) -> String) -> Checked
    where
        T: PartialEq<L>,
    {
        let Some(new) = self.replaced()? else { return Ok(()) };
        let mut left: Vec<&L> = allowed.iter().collect();
        for value in new {
            let Some(at) = left.iter().position(|one| value == *one) else {
                let detail = format!("{} is not among what is allowed, or is there twice", shown(value));
                return Err(Violation::limit(self.pointer, detail));
            };
            left.swap_remove(at);
        }
        Ok(())
    }
}

impl Member<'_, Object> {
    /// An object that is free up to a size, in bytes of JSON; 0 means that it cannot be set.
    pub(super) fn sized(&self, max: u32) -> Checked {
        if !self.changed() {
            return Ok(());
        }
        if max == 0 {
            return Err(Violation::limit(self.pointer, "no limit is stated, so this cannot be set"));
        }
        self.new.map_or(Ok(()), |new| size(self.pointer, new, max))
    }

    /// An object of claims: free up to a size, except for names that the server alone writes.
    pub(super) fn claims(&self, max: u32, reserved: &[String]) -> Checked {
        self.sized(max)?;
        let nothing = Object::new();
        let (old, new) = (self.old.unwrap_or(&nothing), self.new.unwrap_or(&nothing));
        for name in changed(old, new) {
            if is_reserved(name, reserved) {
                return Err(Violation::limit(
                    &below(self.pointer, name),
                    "the server alone writes this claim",
                ));
            }
        }
        if new != old && new.len() > MAX_CLAIMS {
            return Err(Violation::limit(self.pointer, format!("there are at most {MAX_CLAIMS} claims")));
        }
        Ok(())
    }
}

/// The names whose value differs.
pub(super) fn changed<'a>(old: &'a Object, new: &'a Object) -> impl Iterator<Item = &'a String> {
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    removed.chain(new.iter().filter(|(name, value)| old.get(*name) != Some(value)).map(|(name, _)| name))
}

/// Whether the server alone writes the claim, with or without a language tag.
pub(super) fn is_reserved(name: &str, more: &[String]) -> bool {
    let base = name.split('#').next().unwrap_or(name);
    is_reserved_claim(name) || more.iter().any(|reserved| reserved == base || reserved == name)
}

/// Bytes of JSON.
pub(super) fn size(pointer: &str, object: &Object, max: u32) -> Checked {
    let bytes = Value::Object(object.clone()).to_string().len();
    if bytes > usize::try_from(max).unwrap_or(usize::MAX) {
        return Err(Violation::limit(pointer, format!("this has {bytes} bytes of at most {max}")));
    }
    Ok(())
}

/// No limits are stated for a section.
pub(super) fn unstated(section: &str) -> Violation {
    Violation::new(ViolationCode::Limit, &below("", section), "no limits are stated, so this cannot be set")
}

/// A value as it is shown in a sentence: quoted, and not endless.
pub(super) fn quoted(value: impl Display) -> String {
    let text = value.to_string();
    let short: String = text.chars().take(80).filter(|c| !c.is_control()).collect();
    format!("`{short}`")
}
