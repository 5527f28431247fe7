//! Tokens that are encrypted, through the front door.

mod jwe {
    mod agreement;
    mod forgery;
    mod keys;
    mod kit;
    mod length;
    mod round_trip;
    mod rules;
    mod vectors;
}
