//! What may be wrong with a member of a body.

/// The codes of `errors` in a problem document, with what they mean.
pub const MEMBER_CODES: [(&str, &str); 19] = [
    ("ambiguous", "Two members say different things, of which only one may be there."),
    ("capability_missing", "The registration of this app does not allow it."),
    ("charset", "Characters that the specification does not allow there."),
    ("future", "An instant that has not come yet."),
    ("invalid", "The value is not what the contract says."),
    ("limit", "More than the operator, the client or the request allows."),
    ("malformed", "Not JSON, or a name is there twice."),
    ("missing", "A member that has to be there."),
    ("not_grantable", "This client cannot have it, whoever agrees."),
    ("not_offered", "The prompt did not offer it."),
    ("not_settable", "The server knows it better: nobody can set it here."),
    ("not_supported", "This server does not do that."),
    ("reserved", "A claim that the server alone writes."),
    ("too_large", "More bytes of JSON than there may be."),
    ("unexpected", "A member that does not belong there."),
    ("unknown", "Nothing of this id is there."),
    ("wrong_page", "The prompt asks for another page."),
    ("wrong_session", "Not a live session of this browser and this user."),
    ("wrong_type", "Not an object."),
];
