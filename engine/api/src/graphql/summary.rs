//! `executionSummary`: the course of an instance in lines that the Orchestrator's pages read with patterns.
//!
//! The words are a contract. A moment has milliseconds and ends with `Z`; the name of a node has no blanks, since the
//! pages look for `node (\S+) since`.

use rondo_runtime::{Fact, HistoryLine};
use rondo_store::State;

use crate::{moments::in_summary as time, node_kinds::error_message};

/// The lines of an instance with this history.
pub(super) fn lines(history: &[HistoryLine], state: State) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut open: Vec<(u64, &str, i64)> = Vec::new();
    for line in history {
        let (at, Some(fact)) = (&line.at, line.fact()) else { continue };
        match fact {
            Fact::Started => lines.push(format!("Workflow started at {}", time(*at))),
            Fact::Failed { message, kind, origin, .. } => {
                let message = error_message(*kind, *origin, message);
                lines.push(format!("Workflow failed with error {message} at {}", time(*at)));
            }
            Fact::Retriggered { failed, .. } => {
                open.retain(|(open_visit, ..)| Some(*open_visit) != *failed);
                let line = format!("Workflow retriggered at {}", time(*at));
                // Several branches that failed are run again at once.
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
            Fact::Completed => lines.push(format!("Workflow completed at {}", time(*at))),
            Fact::Entered { visit, state, .. } => open.push((*visit, state, *at)),
            Fact::Action { visit, target, .. } => open.push((*visit, target, *at)),
            Fact::Awaits { visit, events } => {
                open.extend(events.iter().map(|event| (*visit, &**event, *at)));
            }
            Fact::Event { visit, event, .. } => {
                let is_it =
                    |(open_visit, node, _): &(u64, &str, i64)| open_visit == visit && **node == **event;
                if let Some(place) = open.iter().rposition(is_it) {
                    open.remove(place);
                }
            }
            Fact::Left { visit } | Fact::Dropped { visit } => {
                open.retain(|(open_visit, ..)| open_visit != visit);
            }
            Fact::Skipped { visit, failed } => {
                open.retain(|(open_visit, ..)| open_visit != visit && Some(*open_visit) != *failed);
            }
            _ => {}
        }
    }
    if let (State::Active, Some((_, node, since))) = (state, open.last()) {
        let node: String = node.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        lines.push(format!("Workflow waiting at node {node} since {}", time(*since)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use rondo_runtime::HistoryEvent;

    use super::*;

    fn told(facts: Vec<Fact>, state: State) -> String {
        let history: Vec<_> = (0..)
            .zip(facts)
            .map(|(at, fact)| HistoryLine { at: at * 1000, event: HistoryEvent::Fact(fact) })
            .collect();
        lines(&history, state).join("\n")
    }

    fn entered(visit: u64, state: &str) -> Fact {
        Fact::Entered { visit, state: state.into(), kind: "operation".into() }
    }

    #[test]
    fn a_waiting_instance_tells_where() {
        let facts =
            vec![Fact::Started, entered(1, "Ask"), Fact::Left { visit: 1 }, entered(2, "Wait For It")];
        insta::assert_snapshot!(told(facts, State::Active), @r"
        Workflow started at 1970-01-01T00:00:00.000Z
        Workflow waiting at node Wait_For_It since 1970-01-01T00:00:03.000Z
        ");
    }

    #[test]
    fn an_instance_waits_at_the_event_until_it_comes() {
        let awaits = Fact::Awaits { visit: 1, events: vec!["done".into()] };
        let comes = Fact::Event { visit: 1, event: "done".into(), id: "e".into() };
        let waiting = vec![Fact::Started, entered(1, "Ask"), awaits, comes];
        assert!(
            told(waiting[..3].to_vec(), State::Active)
                .ends_with("waiting at node done since 1970-01-01T00:00:02.000Z")
        );
        assert!(told(waiting, State::Active).ends_with("waiting at node Ask since 1970-01-01T00:00:01.000Z"));
    }

    #[test]
    fn failures_and_repairs_are_told_in_order() {
        let facts = vec![
            Fact::Started,
            entered(1, "Call"),
            Fact::Failed {
                visit: 1,
                message: "a.B - Service Unavailable".into(),
                kind: None,
                origin: rondo_runtime::Origin::Engine,
            },
            Fact::Retriggered { frame: 0, failed: Some(1) },
            entered(2, "Call"),
            Fact::Left { visit: 2 },
            Fact::Completed,
        ];
        insta::assert_snapshot!(told(facts, State::Completed), @r"
        Workflow started at 1970-01-01T00:00:00.000Z
        Workflow failed with error a.B - Service Unavailable at 1970-01-01T00:00:02.000Z
        Workflow retriggered at 1970-01-01T00:00:03.000Z
        Workflow completed at 1970-01-01T00:00:06.000Z
        ");
    }

    #[test]
    fn an_aborted_instance_waits_for_nothing() {
        assert!(
            !told(vec![Fact::Started, entered(1, "Wait"), Fact::Aborted], State::Aborted).contains("waiting")
        );
    }
}
