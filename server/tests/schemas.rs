//! What the project publishes of its contracts is what its types say.
//!
//! `PLACET_REGENERATE=1 cargo test -p placet-server --test schemas` writes the published files anew.

mod schemas {
    mod admin;
    mod configuration;
    mod description;
    mod examples;
    mod markdown;
    mod protocol;
    mod published;
    mod reference;
}
