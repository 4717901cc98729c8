//! What happened to an instance, from the lines of history that its turns left.

use std::collections::HashMap;

use rondo_machine::{Fact, Outlook, Visit};
use rondo_program::sonataflow;
use uuid::Uuid;

use crate::{Engine, Refusal, engine::stored};

/// One line of history.
#[derive(Debug, Clone, serde::Serialize)]
pub struct HistoryLine {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// A visit to a state, or one execution of an action: what Kogito calls a node instance.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeView {
    /// Unique among all instances.
    pub id: String,
    /// Which state or action of the definition it is.
    pub definition_id: String,
    /// Name of the state; of an action that of what it calls.
    pub name: String,
    /// `CompositeContextNode`, `WorkItemNode`, ….
    pub kind: &'static str,
    /// When it was entered, in milliseconds since 1970.
    pub enter: i64,
    /// When it was left; `None` while it runs or when it failed.
    pub exit: Option<i64>,
    /// Why it failed.
    pub error_message: Option<String>,
}

impl Engine {
    /// Everything that happened to an instance, in order.
    pub async fn history(&self, id: Uuid) -> Result<Vec<HistoryLine>, Refusal> {
        let rows = self.inner.store.history(id).await.map_err(stored)?;
        let mut lines = Vec::new();
        for row in rows {
            let facts: Vec<Fact> = serde_json::from_str(&row.facts).map_err(stored)?;
            lines.extend(facts.into_iter().map(|fact| HistoryLine { at: row.at, fact }));
        }
        Ok(lines)
    }

    /// The nodes of an instance in the order in which they were entered.
    pub async fn nodes(&self, id: Uuid) -> Result<Vec<NodeView>, Refusal> {
        Ok(nodes(id, &self.history(id).await?))
    }

    /// What an instance waits for.
    pub async fn outlook(&self, id: Uuid) -> Result<Vec<Outlook>, Refusal> {
        let living = self.inner.load(id).await?;
        Ok(living.map_or_else(Vec::new, |living| {
            rondo_machine::outlook(&living.deployed.program, &living.snapshot)
        }))
    }
}

/// Pairs the lines that say how something was entered and left.
fn nodes(instance: Uuid, lines: &[HistoryLine]) -> Vec<NodeView> {
    let mut nodes: Vec<NodeView> = Vec::new();
    let mut places: HashMap<Visit, usize> = HashMap::new();
    let mut node = |visit: Option<Visit>, name: &str, kind, at: i64, exit| {
        let suffix = visit.map_or_else(|| name.to_lowercase(), |visit| visit.to_string());
        if let Some(visit) = visit {
            places.insert(visit, nodes.len());
        }
        nodes.push(NodeView {
            id: format!("{instance}-{suffix}"),
            definition_id: name.to_owned(),
            name: name.to_owned(),
            kind,
            enter: at,
            exit,
            error_message: None,
        });
    };
    let mut ends: Vec<(Visit, Option<i64>, Option<String>)> = Vec::new();
    for HistoryLine { at, fact } in lines {
        match fact {
            Fact::Started => node(None, "Start", "StartNode", *at, Some(*at)),
            Fact::Entered { v, state, kind } => node(Some(*v), state, state_node(kind), *at, None),
            Fact::Action { v, target, kind, .. } => node(Some(*v), target, action_node(kind), *at, None),
            Fact::Left { v } | Fact::Dropped { v } | Fact::Skipped { v } => ends.push((*v, Some(*at), None)),
            Fact::Failed { v, message, kind, origin } => {
                // Lines of the first format say the class name themselves.
                let message = match kind {
                    Some(kind) => sonataflow::described(*kind, *origin, message),
                    None => message.clone(),
                };
                ends.push((*v, None, Some(message)));
            }
            Fact::Completed => node(None, "End", "EndNode", *at, Some(*at)),
            _ => {}
        }
    }
    for (visit, exit, error) in ends {
        if let Some(node) = places.get(&visit).and_then(|place| nodes.get_mut(*place)) {
            node.exit = exit.or(node.exit);
            node.error_message = error;
        }
    }
    nodes
}

fn state_node(kind: &str) -> &'static str {
    match kind {
        "switch" => "Split",
        "inject" => "ActionNode",
        "sleep" => "TimerNode",
        _ => "CompositeContextNode",
    }
}

fn action_node(kind: &str) -> &'static str {
    match kind {
        "call" => "WorkItemNode",
        "subflow" => "SubProcessNode",
        _ => "ActionNode",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entering_and_leaving_are_paired_and_a_failure_leaves_its_node_open() {
        let line = |at, fact| HistoryLine { at, fact };
        let lines = [
            line(1, Fact::Started),
            line(1, Fact::Entered { v: 1, state: "Ask".into(), kind: "operation".into() }),
            line(1, Fact::Action { v: 2, target: "ask".into(), name: None, kind: "call".into(), within: 1 }),
            line(5, Fact::Left { v: 2 }),
            line(5, Fact::Action { v: 3, target: "tell".into(), name: None, kind: "log".into(), within: 1 }),
            line(
                7,
                Fact::Failed {
                    v: 3,
                    message: "no".into(),
                    kind: None,
                    origin: rondo_program::Origin::Engine,
                },
            ),
        ];
        let told: Vec<String> = nodes(Uuid::nil(), &lines)
            .iter()
            .map(|node| {
                format!("{} {} {} {:?} {:?}", node.name, node.kind, node.enter, node.exit, node.error_message)
            })
            .collect();
        assert_eq!(
            told,
            [
                "Start StartNode 1 Some(1) None",
                "Ask CompositeContextNode 1 None None",
                "ask WorkItemNode 1 Some(5) None",
                "tell ActionNode 5 None Some(\"no\")",
            ]
        );
    }
}
