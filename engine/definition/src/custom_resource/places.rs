//! Where the parts of a custom resource stand that are the properties of its workflow.
//!
//! Promises: a property has the place of the value that counts for it, so that a problem is told there.

use serde_json::{Map, Value};

use crate::{
    Pointer,
    positions::{Member, PlaceId, Positions},
};

/// The properties of a document that a custom resource has outside of its flow, where the cluster drops them.
const OUTSIDE_OF_FLOW: [&str; 6] = ["id", "key", "version", "specVersion", "description", "expressionLang"];

/// Where the properties of a document stand in the file.
pub(super) struct Places {
    /// Name and pointer of each property, as it is in the file.
    properties: Vec<(String, Vec<Pointer>)>,
    flow: Pointer,
}

/// The places of the properties of a document. Of several pointers the first one that is there counts.
pub(super) fn places(document: &Map<String, Value>, at: &Pointer, flow: &Pointer) -> Places {
    let metadata = at.key("metadata");
    let place = |name: &String| {
        let mut pointers = match name.as_str() {
            "id" => vec![metadata.key("name")],
            "specVersion" => vec![at.key("apiVersion"), metadata.clone()],
            _ if OUTSIDE_OF_FLOW.contains(&name.as_str()) => {
                annotation_names(name).map(|name| metadata.key("annotations").key(&name)).to_vec()
            }
            _ => Vec::new(),
        };
        pointers.push(flow.key(name));
        (name.clone(), pointers)
    };
    Places { properties: document.keys().map(place).collect(), flow: flow.clone() }
}

impl Places {
    /// Makes the document of the flow the root.
    pub(super) fn apply(&self, mut positions: Positions) -> Positions {
        let find = |at: &Pointer| {
            let mut tokens = at.tokens();
            let mut found: (Option<PlaceId>, u32) = (positions.root(), 0);
            tokens.try_for_each(|token| {
                let id = found.0?;
                found = if let Some(member) = positions.member(id, &token) {
                    (Some(member.place), member.key)
                } else {
                    let index = token.parse::<usize>().ok()?;
                    let element = *positions.elements(id).get(index)?;
                    (Some(element), positions.bytes(element).0)
                };
                Some(())
            })?;
            found.0.map(|place| (place, found.1))
        };
        let members: Vec<Member> = self
            .properties
            .iter()
            .filter_map(|(name, pointers)| {
                let (place, key) = pointers.iter().find_map(find)?;
                Some(Member { name: name.as_str().into(), key, place })
            })
            .collect();
        let (start, end) = find(&self.flow).map_or((0, 0), |(place, _)| positions.bytes(place));
        let root = positions.map(start, end, members);
        positions.set_root(root);
        positions
    }
}

/// The names of the annotation for a property, of the operator today and of its first versions.
pub(super) fn annotation_names(property: &str) -> [String; 2] {
    [format!("sonataflow.org/{property}"), format!("sw.kogito.kie.org/{property}")]
}
