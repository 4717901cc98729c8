//! Rewrites a YAML document as JSON text.
//!
//! Promises: the text says what the tree of the loader would say, and is written while the document is read, so that a large document takes its
//! own size and not that of a tree with places. Never: tells what is wrong; the loader does.

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    ops::Range,
};

use granit_parser::{Event, Span};
use serde_json::Value;

use super::{loader::Loader, scalar::Scalar};

/// What the text may be larger than the document, by aliases.
const MOST_GROWTH: usize = 4;

/// The JSON text of the first document; `None` if it has a problem, or a merge key, which only the tree can apply.
pub(super) fn write(mut loader: Loader<'_>) -> Option<String> {
    let most_bytes = loader.text.len().saturating_mul(MOST_GROWTH).saturating_add(1024);
    let (event, span) = loop {
        match loader.next_event().ok()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            event => break event,
        }
    };
    let json = Vec::with_capacity(loader.text.len());
    let mut writer = Writer { loader, json, anchors: HashMap::new(), most_bytes };
    writer.write_node(event, span, 0)?;
    // The parser tells a problem behind the value with the next event.
    writer.loader.next_event().ok()?;
    String::from_utf8(writer.json).ok()
}

struct Writer<'t> {
    loader: Loader<'t>,
    json: Vec<u8>,
    /// Where the values with an anchor stand in `json`, and how many values they are.
    anchors: HashMap<usize, (Range<usize>, usize)>,
    most_bytes: usize,
}

impl<'t> Writer<'t> {
    fn write_node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Option<()> {
        if depth > self.loader.limits.depth || self.json.len() > self.most_bytes {
            return None;
        }
        let (begin, values) = (self.json.len(), self.loader.values);
        let anchor = match event {
            Event::Scalar(text, style, anchor, tag) => {
                serde_json::to_writer(&mut self.json, &Scalar::resolve(&text, style, tag.as_deref()).value)
                    .ok()?;
                anchor
            }
            Event::SequenceStart(_, anchor, _) => {
                self.write_list(depth)?;
                anchor
            }
            Event::MappingStart(_, anchor, _) => {
                self.write_map(depth)?;
                anchor
            }
            Event::Alias(anchor) => {
                let (place, size) = self.anchors.get(&anchor).cloned()?;
                self.loader.count_values(size, span).ok()?;
                self.json.extend_from_within(place);
                return Some(());
            }
            _ => return None,
        };
        self.loader.count_values(1, span).ok()?;
        if anchor != 0 {
            let size = self.loader.values - values;
            self.anchors.insert(anchor, (begin..self.json.len(), size));
        }
        Some(())
    }

    fn write_list(&mut self, depth: usize) -> Option<()> {
        self.json.push(b'[');
        let mut is_first = true;
        loop {
            let (event, span) = self.loader.next_event().ok()?;
            if matches!(event, Event::SequenceEnd) {
                self.json.push(b']');
                return Some(());
            }
            if !std::mem::take(&mut is_first) {
                self.json.push(b',');
            }
            self.write_node(event, span, depth + 1)?;
        }
    }

    fn write_map(&mut self, depth: usize) -> Option<()> {
        self.json.push(b'{');
        let mut names = HashSet::new();
        loop {
            let (event, key) = self.loader.next_event().ok()?;
            if matches!(event, Event::MappingEnd) {
                self.json.push(b'}');
                return Some(());
            }
            let is_named = matches!(&event, Event::Scalar(_, _, 0, _));
            let (name, is_merge_key) = self.loader.read_member_name(event, key).ok()?;
            if is_merge_key || !is_named || names.contains(&name) {
                return None;
            }
            if !names.is_empty() {
                self.json.push(b',');
            }
            serde_json::to_writer(&mut self.json, &Value::String(name.clone())).ok()?;
            self.json.write_all(b":").ok()?;
            names.insert(name);
            let (event, span) = self.loader.next_event().ok()?;
            self.write_node(event, span, depth + 1)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::{Limits, load, load_as_json};

    #[test]
    fn the_text_says_what_the_tree_says() {
        for text in [
            "a: 1\nb: [x, 'y', \"z\\n\", 1.50, 0x1f, ~, yes, 2024-01-01, 1e3]\nc: {d: {}, e: []}\n",
            "a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n",
            "a: &x {b: 1}\nc: {<<: *x, d: 2}\n",
            "? &k key\n: 1\n? *k\n: 2\n",
            "- |\n  block\n  text\n- >-\n  folded\n  text\n- \"ü \\u00e9 \\\"\"\n",
            "just text",
            "",
            "# nothing\n",
            "a: 1\n---\nb: 2\n",
            "18446744073709551615",
            "{\"a\": [1, {\"b\": null}]}",
        ] {
            let tree = load("a.yaml", text, Limits::RESOURCE).map(|loaded| loaded.value);
            let json = load_as_json("a.yaml", text, Limits::RESOURCE);
            match (tree, json) {
                (Ok(tree), Ok(json)) => {
                    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), tree, "{text}");
                }
                (Err(_), Err(_)) => {}
                (tree, json) => panic!("{tree:?} {json:?} {text}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_as_by_the_tree() {
        let bomb = format!(
            "a: &a [{}]\nb: &b [{}]\nc: [{}]\n",
            "x, ".repeat(1000),
            "*a, ".repeat(1000),
            "*b, ".repeat(1000)
        );
        let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
        for text in ["a: 1\na: 2\n", "a: [1\n", "a: *none\n", "[a]: 1\n", "a: 1\n  b: 2\n", &bomb, &deep] {
            let tree = load("a.yaml", text, Limits::WORKFLOW).unwrap_err();
            assert_eq!(load_as_json("a.yaml", text, Limits::WORKFLOW).unwrap_err(), tree);
        }
    }

    #[test]
    fn most_documents_need_no_tree() {
        let text = "openapi: 3.0.0\ninfo: {title: A}\npaths:\n  /a:\n    get: &get {operationId: a}\n    put: *get\n";
        assert!(super::write(super::super::loader_of(text, crate::Format::Yaml, Limits::RESOURCE)).is_some());
    }
}
