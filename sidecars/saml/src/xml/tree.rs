//! Documents in memory.

use std::rc::Rc;

/// An element with everything in it.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    /// The name as it is written, with its prefix.
    pub(super) qualified: String,
    /// Namespace and local name.
    pub(crate) name: Name,
    /// The namespace declarations that stand here: prefix (empty for the default namespace) and URI.
    pub(super) declarations: Vec<(String, String)>,
    /// The attributes, without namespace declarations.
    pub(crate) attributes: Vec<Attribute>,
    /// What is in it; text never follows text.
    pub(crate) children: Vec<Node>,
}

/// A name with its namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// The namespace; none means no namespace.
    pub(crate) namespace: Option<Rc<str>>,
    /// The name in it.
    pub(crate) local: String,
}

/// An attribute.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    /// The name as it is written, with its prefix.
    pub(super) qualified: String,
    /// Namespace and local name; without a prefix there is no namespace.
    pub(crate) name: Name,
    /// The value, with its references resolved and its white space normalised (XML 1.0 section 3.3.3).
    pub(crate) value: String,
}

/// What an element holds.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// An element.
    Element(Element),
    /// Text, with its references resolved.
    Text(String),
}

impl Name {
    /// Whether it is this name in this namespace.
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace.as_deref() == Some(namespace)
    }
}

impl Element {
    /// Whether it has this name in this namespace.
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        self.name.is(namespace, local)
    }

    /// The value of an attribute without a namespace.
    pub(crate) fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.name.namespace.is_none() && a.name.local == local)
            .map(|a| a.value.as_str())
    }

    /// The elements directly in it.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Its text, if it holds no element.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it holds text that is more than white space between its elements.
    pub(crate) fn has_loose_text(&self) -> bool {
        self.children.iter().any(|node| match node {
            Node::Element(_) => false,
            Node::Text(text) => text.contains(|c: char| !matches!(c, ' ' | '\t' | '\n' | '\r')),
        })
    }

    /// It and every element below it.
    pub(crate) fn descendants(&self) -> Vec<&Self> {
        let mut all = vec![self];
        let mut next = 0;
        while let Some(element) = all.get(next) {
            let below: Vec<_> = element.elements().collect();
            all.extend(below);
            next += 1;
        }
        all
    }

    /// Takes the elements for which `unwanted` holds out of its direct children.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(&Self) -> bool) {
        let mut kept: Vec<Node> = Vec::with_capacity(self.children.len());
        for node in self.children.drain(..) {
            match (node, kept.last_mut()) {
                (Node::Element(element), _) if unwanted(&element) => {}
                (Node::Text(text), Some(Node::Text(before))) => before.push_str(&text),
                (node, _) => kept.push(node),
            }
        }
        self.children = kept;
    }

    /// Whether both say the same: the same names, attributes in any order, and text. Prefixes do not count.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        fn sorted(element: &Element) -> Vec<(&Name, &str)> {
            let mut all: Vec<_> = element.attributes.iter().map(|a| (&a.name, a.value.as_str())).collect();
            all.sort_unstable();
            all
        }
        self.name == other.name
            && sorted(self) == sorted(other)
            && self.children.len() == other.children.len()
            && self.children.iter().zip(&other.children).all(|nodes| match nodes {
                (Node::Element(a), Node::Element(b)) => a.says_the_same_as(b),
                (Node::Text(a), Node::Text(b)) => a == b,
                _ => false,
            })
    }
}
