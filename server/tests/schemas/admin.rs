//! `docs/admin.md`.

use placet_server::openapi;

use super::{markdown::Document, reference::Api};

const INTRODUCTION: &str = include_str!("admin.in.md");

/// The reference of the admin API.
pub(super) fn reference() -> String {
    let description = openapi::admin_api();
    let api = Api { document: Document(&description), operations: openapi::admin_operations() };
    let mut out = INTRODUCTION.to_owned();
    api.resources(&mut out);
    api.problems(&mut out);
    api.objects(&[], &mut out);
    out
}
