//! The parts of a snapshot: the rows for what grows with a loop. See `stored` for their keys.

use rondo_expression::Val;

use super::{DecodeError, PartChange};
use crate::{FrameId, Snapshot, frame::Wait, snapshot::StoredLoop};

impl Snapshot {
    /// The parts that differ from those in the database: the elements and results that are new, and the loops that have ended. Marks the new
    /// parts as stored.
    pub(super) fn changed_parts(&mut self) -> Vec<PartChange> {
        let Self { frames, stored_loops, .. } = self;
        let mut changes = Vec::new();
        stored_loops.retain(|id, stored| {
            let is_running = !stored.has_ended
                && frames.iter().any(|frame| frame.id == *id && matches!(frame.wait, Wait::Loop { .. }));
            if !is_running {
                changes.push(PartChange::Remove { prefix: format!("loop/{id}/") });
            }
            is_running
        });
        for frame in frames {
            let Wait::Loop { items, results, .. } = &frame.wait else { continue };
            let stored = stored_loops.entry(frame.id).or_insert_with(|| {
                let key = items_key(frame.id);
                changes.push(PartChange::Put { key, content: items.to_json().into_bytes() });
                StoredLoop::default()
            });
            for (index, result) in results.iter().skip(stored.results) {
                let key = format!("loop/{}/{index:010}", frame.id);
                changes.push(PartChange::Put { key, content: result.to_json().into_bytes() });
            }
            stored.results = results.len();
        }
        changes
    }
}

fn items_key(frame: FrameId) -> String {
    format!("loop/{frame}/items")
}

/// Reads the elements of a loop and its results so far, in the order of the elements.
pub(super) fn read_loop(
    frame: FrameId,
    parts: &[(String, Vec<u8>)],
) -> Result<(Val, Vec<(u32, Val)>), DecodeError> {
    let key = items_key(frame);
    let prefix = format!("loop/{frame}/");
    let (mut items, mut results) = (None, Vec::new());
    for (name, content) in parts {
        let Some(rest) = name.strip_prefix(&prefix) else { continue };
        let value = Val::from_json(content).map_err(|_| DecodeError::Part(name.clone()))?;
        match rest.parse::<u32>() {
            _ if rest == "items" => items = Some(value),
            Ok(index) => results.push((index, value)),
            Err(_) => return Err(DecodeError::Part(name.clone())),
        }
    }
    results.sort_by_key(|(index, _)| *index);
    Ok((items.ok_or(DecodeError::Part(key))?, results))
}
