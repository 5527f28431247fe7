//! A strict reader of small XML documents, and a writer that gives them back.
//!
//! Assertions use little of XML: elements, attributes, namespaces and text. Everything else is refused here, before
//! any other code sees the document: document types, entities of one's own, processing instructions, comments, CDATA
//! sections, names beyond ASCII, `xml:id` and `xml:base`. What is left is bounded in size, depth and number.

mod chars;
mod read;
mod tree;
mod write;

pub(crate) use chars::is_name;
pub(crate) use read::{Limits, Malformed, parse};
pub(crate) use tree::{Element, Node};
pub(crate) use write::escaped;
