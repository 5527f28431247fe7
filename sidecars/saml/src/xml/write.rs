//! Writing a document.

use super::tree::{Element, Node};

impl Element {
    /// The document with this element as its root. Reading it again gives the same tree.
    pub(crate) fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.qualified);
        for (prefix, uri) in &self.declarations {
            if prefix.is_empty() {
                write_attribute("xmlns", uri, out);
            } else {
                write_attribute(&format!("xmlns:{prefix}"), uri, out);
            }
        }
        for attribute in &self.attributes {
            write_attribute(&attribute.qualified, &attribute.value, out);
        }
        out.push('>');
        for node in &self.children {
            match node {
                Node::Element(element) => element.write_to(out),
                Node::Text(text) => write_escaped(text, out),
            }
        }
        out.push_str("</");
        out.push_str(&self.qualified);
        out.push('>');
    }
}

/// A text as it is written between quotes, or between tags.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    write_value(text, &mut out);
    out
}

fn write_attribute(name: &str, value: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    write_value(value, out);
    out.push('"');
}

fn write_value(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            c => write_char(c, out),
        }
    }
}

fn write_escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        write_char(c, out);
    }
}

fn write_char(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\r' => out.push_str("&#xD;"),
        c => out.push(c),
    }
}
