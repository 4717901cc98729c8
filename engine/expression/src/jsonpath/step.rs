//! What one step of a path finds in a value.

use super::{Environment, LONGEST, Problem, Step};
use crate::{budget, value::Val};

/// Whether the step before it is `..`.
pub(super) fn behind_deep(steps: &[Step], index: usize) -> bool {
    index.checked_sub(1).and_then(|before| steps.get(before)).is_some_and(|step| matches!(step, Step::Deep))
}

/// The place of a step in its path.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Whether the steps before it give one value, so that a missing one is a failure.
    pub(super) definite: bool,
    pub(super) is_last: bool,
    pub(super) behind_deep: bool,
}

impl Place {
    fn missing(self, what: impl FnOnce() -> String) -> Result<(), Problem> {
        if self.definite { Err(Problem::Missing(what())) } else { Ok(()) }
    }
}

impl Step {
    pub(super) fn is_definite(&self, is_last: bool) -> bool {
        match self {
            Self::Name(_) | Self::Function(_) => true,
            Self::Names(_) => is_last,
            Self::Indices(indices) => indices.len() == 1,
            _ => false,
        }
    }

    pub(super) fn apply(
        &self,
        value: Val,
        place: Place,
        environment: Environment<'_>,
        found: &mut Vec<Val>,
    ) -> Result<(), Problem> {
        match self {
            Self::Name(name) => match value.get(name) {
                Some(member) => found.push(member.clone()),
                None => place.missing(|| format!("No results for path: ['{name}']"))?,
            },
            Self::Names(names) if value.is_object() => {
                let members = || names.iter().filter_map(|name| value.get(name).map(|member| (name, member)));
                if !place.is_last {
                    found.extend(members().map(|(_, member)| member.clone()));
                } else if !place.behind_deep || members().count() == names.len() {
                    found.push(Val::object(members().map(|(name, member)| (name.as_str(), member.clone()))));
                }
            }
            Self::Names(names) => place.missing(|| format!("No results for path: {names:?}"))?,
            Self::Indices(indices) if value.is_array() => {
                found.extend(indices.iter().map(|index| value.element(*index).cloned().unwrap_or_default()));
            }
            Self::Slice(start, end) if value.is_array() => {
                let length = value.elements().len();
                let at = |bound: Option<i64>, default| bound.map_or(default, |bound| clamp(bound, length));
                let (start, end) = (at(*start, 0), at(*end, length));
                let part = value.elements().get(start..end.max(start));
                found.extend(part.unwrap_or_default().iter().cloned());
            }
            Self::Indices(_) | Self::Slice(..) => {
                place.missing(|| {
                    format!("an index can only be applied to arrays, not to {}", value.preview())
                })?;
            }
            Self::All => {
                has_room(found, &value)?;
                found.extend(children(&value));
            }
            Self::Deep => {
                let mut open = vec![value];
                while let Some(next) = open.pop() {
                    budget::step();
                    has_room(found, &next)?;
                    has_room(&open, &next)?;
                    open.extend(children(&next).rev());
                    found.push(next);
                }
            }
            Self::Filter(condition) if value.is_array() => {
                for item in value.elements() {
                    if condition.holds(Environment { current: item, ..environment })? {
                        found.push(item.clone());
                    }
                }
            }
            Self::Filter(condition) if value.is_object() => {
                if condition.holds(Environment { current: &value, ..environment })? {
                    found.push(value);
                }
            }
            Self::Filter(_) => {
                place.missing(|| format!("a filter cannot be applied to {}", value.preview()))?;
            }
            Self::Function(function) => match function.call(&value, environment)? {
                Some(result) => found.push(result),
                None if !place.definite => found.push(Val::Null),
                None => {
                    return Err(Problem::Failed(format!("the function is not for {}", value.preview())));
                }
            },
        }
        Ok(())
    }
}

/// Whether a path may go on to the children of a value, beside what it has found.
fn has_room(found: &[Val], value: &Val) -> Result<(), Problem> {
    let more = value.elements().len() + value.members().len();
    budget::spend_on_elements(more);
    match found.len() + more > LONGEST {
        true => Err(Problem::Failed(format!("the path looks at more than {LONGEST} values"))),
        false => Ok(()),
    }
}

fn children(value: &Val) -> impl DoubleEndedIterator<Item = Val> {
    let members: Vec<Val> = value.members().into_iter().map(|(_, value)| value.clone()).collect();
    value.elements().to_vec().into_iter().chain(members)
}

fn clamp(bound: i64, length: usize) -> usize {
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let bound = if bound < 0 { bound.saturating_add(size) } else { bound };
    usize::try_from(bound.clamp(0, size)).unwrap_or(length)
}
