//! Reading a document.

use std::{borrow::Cow, rc::Rc};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    chars::{attribute_value, is_allowed, referred, split},
    tree::{Attribute, Element, Name, Node},
};

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
/// The longest namespace, in bytes: canonical XML may repeat it at every element.
const LONGEST_NAMESPACE: usize = 256;
/// How many namespace declarations may hold at one place.
const MOST_IN_SCOPE: usize = 64;
/// How many attributes one element may have, declarations included.
const MOST_ATTRIBUTES: usize = 64;

/// How large a document may be.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Its length in bytes.
    pub(crate) bytes: usize,
    /// How deep elements may lie in each other.
    pub(crate) depth: usize,
    /// How many elements there may be.
    pub(crate) elements: usize,
    /// Whether comments are passed over; else they are refused.
    pub(crate) comments: bool,
}

/// A document that is not well-formed, or that uses what is refused here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub(crate) struct Malformed {
    what: &'static str,
    at: usize,
}

/// Reads a document to its end.
pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Element, Malformed> {
    let refuse = |what, at| Err(Malformed { what, at });
    if bytes.len() > limits.bytes {
        return refuse("the document is too long", limits.bytes);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| Malformed { what: "there is something else than UTF-8", at: e.valid_up_to() })?;
    if let Some((at, _)) = text.char_indices().find(|(_, c)| !is_allowed(*c)) {
        return refuse("there is a character that XML does not allow", at);
    }
    if !text.starts_with(['<', ' ', '\t', '\r', '\n']) {
        return refuse("the document does not begin with an element", 0);
    }
    Parser { limits, open: Vec::new(), scope: Vec::new(), elements: 0, root: None }
        .run(&with_plain_lines(text))
}

/// The text with every end of line as a line feed (XML 1.0 section 2.11).
fn with_plain_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() }
}

struct Parser {
    limits: Limits,
    /// The elements that are not closed yet, each with the number of declarations that held around it.
    open: Vec<(Element, usize)>,
    /// The namespaces that hold here: prefix (empty for the default) and URI (empty for none).
    scope: Vec<(String, Rc<str>)>,
    elements: usize,
    root: Option<Element>,
}

type Step = Result<(), &'static str>;

impl Parser {
    fn run(mut self, text: &str) -> Result<Element, Malformed> {
        let mut reader = Reader::from_str(text);
        loop {
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let refuse = |what| Malformed { what, at };
            let event = reader.read_event().map_err(|_| refuse("the XML is not well-formed"))?;
            let done = match event {
                Event::Start(start) => self.start(&start),
                Event::Empty(start) => self.start(&start).and_then(|()| self.end()),
                Event::End(_) => self.end(),
                Event::Text(text) => self.raw_text(&text),
                Event::GeneralRef(name) => self.reference(&name),
                Event::Decl(declaration) if at == 0 => check_declaration(&declaration),
                Event::Comment(_) if self.limits.comments => Ok(()),
                Event::Comment(_) => Err("there is a comment"),
                Event::CData(_) => Err("there is a CDATA section"),
                Event::DocType(_) => Err("there is a document type declaration"),
                Event::Decl(_) | Event::PI(_) => Err("there is a processing instruction"),
                Event::Eof => break,
            };
            done.map_err(refuse)?;
        }
        let at = text.len();
        if !self.open.is_empty() {
            return Err(Malformed { what: "the document ends inside an element", at });
        }
        self.root.ok_or(Malformed { what: "there is no element", at })
    }

    fn start(&mut self, start: &BytesStart) -> Step {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err("there are too many elements");
        }
        if self.open.len() >= self.limits.depth {
            return Err("elements lie too deep in each other");
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err("there is something behind the root element");
        }
        let qualified = utf8(start.name().0)?.to_owned();
        let around = self.scope.len();
        let mut declarations = Vec::new();
        let mut plain = Vec::new();
        for (name, value) in attributes(utf8(start.attributes_raw())?)? {
            match name.strip_prefix("xmlns") {
                Some("") => declarations.push((String::new(), value)),
                Some(prefix) if prefix.starts_with(':') => declarations.push((prefix[1..].to_owned(), value)),
                _ => plain.push((name, value)),
            }
        }
        for (prefix, uri) in &declarations {
            check_binding(prefix, uri)?;
            if self.scope[around..].iter().any(|(known, _)| known == prefix) {
                return Err("a namespace is declared twice in one element");
            }
            self.scope.push((prefix.clone(), uri.as_str().into()));
        }
        if self.scope.len() > MOST_IN_SCOPE {
            return Err("there are too many namespaces");
        }
        let name = self.resolve(&qualified, true)?;
        let mut attributes: Vec<Attribute> = Vec::with_capacity(plain.len());
        for (qualified, value) in plain {
            let name = self.resolve(&qualified, false)?;
            if name.namespace.as_deref() == Some(XML) && !matches!(name.local.as_str(), "lang" | "space") {
                return Err("there is an attribute of XML itself that is not taken");
            }
            if attributes.iter().any(|known| known.name == name) {
                return Err("there is an attribute twice");
            }
            attributes.push(Attribute { qualified, name, value });
        }
        let element = Element { qualified, name, declarations, attributes, children: Vec::new() };
        self.open.push((element, around));
        Ok(())
    }

    fn end(&mut self) -> Step {
        let (element, around) = self.open.pop().ok_or("an element is closed that was not open")?;
        self.scope.truncate(around);
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn raw_text(&mut self, raw: &[u8]) -> Step {
        let text = utf8(raw)?;
        if text.contains("]]>") {
            return Err("there is the end of a CDATA section without its begin");
        }
        if self.open.is_empty() {
            return if text.trim_matches([' ', '\t', '\n']).is_empty() {
                Ok(())
            } else {
                Err("there is text outside of the root element")
            };
        }
        self.add_text(text)
    }

    fn reference(&mut self, name: &[u8]) -> Step {
        let c = referred(utf8(name)?).ok_or("there is an entity that is not taken")?;
        self.add_text(c.encode_utf8(&mut [0; 4]))
    }

    fn add_text(&mut self, text: &str) -> Step {
        let (parent, _) = self.open.last_mut().ok_or("there is text outside of the root element")?;
        if let Some(Node::Text(before)) = parent.children.last_mut() {
            before.push_str(text);
        } else {
            parent.children.push(Node::Text(text.to_owned()));
        }
        Ok(())
    }

    /// The name that a qualified name means here; the default namespace is not for attributes.
    fn resolve(&self, qualified: &str, default: bool) -> Result<Name, &'static str> {
        let (prefix, local) = split(qualified).ok_or("there is a name that is not taken")?;
        let local = local.to_owned();
        let bound = |prefix: &str| self.scope.iter().rev().find(|(known, _)| known == prefix);
        let namespace = match prefix {
            Some("xml") => Some(XML.into()),
            Some(prefix) => Some(bound(prefix).ok_or("there is a prefix without a namespace")?.1.clone()),
            None if default => bound("").map(|(_, uri)| uri.clone()).filter(|uri| !uri.is_empty()),
            None => None,
        };
        Ok(Name { namespace, local })
    }
}

/// Whether this prefix may be bound to this namespace (Namespaces in XML 1.0 section 3).
fn check_binding(prefix: &str, uri: &str) -> Step {
    if uri.len() > LONGEST_NAMESPACE {
        return Err("there is a namespace that is too long");
    }
    // Canonical XML refuses relative ones.
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    let absolute = scheme.is_some_and(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()));
    if !(absolute || uri.is_empty()) || !uri.chars().all(|c| c.is_ascii_graphic()) {
        return Err("there is a namespace that is not an absolute URI");
    }
    let reserved = prefix == "xml" || prefix == "xmlns" || uri == XML || uri == XMLNS;
    let wrong_prefix =
        !prefix.is_empty() && (split(prefix).is_none_or(|(p, _)| p.is_some()) || uri.is_empty());
    if reserved || wrong_prefix { Err("there is a namespace declaration that is not taken") } else { Ok(()) }
}

/// The attributes as they stand in a tag, with values resolved and normalised.
fn attributes(raw: &str) -> Result<Vec<(String, String)>, &'static str> {
    const MALFORMED: &str = "the attributes of an element are not well-formed";
    const SPACE: [char; 3] = [' ', '\t', '\n'];
    let mut all = Vec::new();
    let mut rest = raw;
    loop {
        let trimmed = rest.trim_start_matches(SPACE);
        if trimmed.is_empty() {
            return Ok(all);
        }
        if trimmed.len() == rest.len() {
            return Err(MALFORMED);
        }
        if all.len() == MOST_ATTRIBUTES {
            return Err("an element has too many attributes");
        }
        let (name, behind) = trimmed.split_once('=').ok_or(MALFORMED)?;
        let behind = behind.trim_start_matches(SPACE);
        let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(MALFORMED)?;
        let (value, behind) = behind[1..].split_once(quote).ok_or(MALFORMED)?;
        let value = attribute_value(value).ok_or(MALFORMED)?;
        all.push((name.trim_end_matches(SPACE).to_owned(), value));
        rest = behind;
    }
}

/// An XML declaration may say version 1.0 and UTF-8.
fn check_declaration(raw: &[u8]) -> Step {
    const OTHER: &str = "the XML declaration says something else than version 1.0 and UTF-8";
    let raw = utf8(raw)?.strip_prefix("xml").ok_or(OTHER)?;
    let said = attributes(raw)?;
    let said: Vec<_> = said.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let behind = said.strip_prefix(&[("version", "1.0")]).ok_or(OTHER)?;
    let behind = match behind {
        [("encoding", encoding), behind @ ..] if encoding.eq_ignore_ascii_case("utf-8") => behind,
        all => all,
    };
    if matches!(behind, [] | [("standalone", "yes" | "no")]) { Ok(()) } else { Err(OTHER) }
}

fn utf8(bytes: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(bytes).map_err(|_| "there is something else than UTF-8")
}
