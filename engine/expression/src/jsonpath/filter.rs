//! Conditions of a filter: `[?(@.a == 'x' && @.b in [1, 2])]`.

use super::{Environment, Path, Problem};
use crate::{budget, builtins, value::Val};

pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Operator, Operand),
    Exists(Path),
}

pub(super) enum Operand {
    Path(Path),
    Literal(Val),
    /// A regular expression that the whole text must match.
    Pattern(Val),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Same,
    NotSame,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    NotIn,
    SubsetOf,
    AnyOf,
    NoneOf,
    Contains,
    Size,
    Empty,
}

/// The operators as written. An operator that begins as a longer one stands behind it.
pub(super) const SIGNS: [(&str, Operator); 9] = [
    ("===", Operator::Same),
    ("!==", Operator::NotSame),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("=~", Operator::Matches),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

pub(super) const WORDS: [(&str, Operator); 8] = [
    ("in", Operator::In),
    ("nin", Operator::NotIn),
    ("subsetof", Operator::SubsetOf),
    ("anyof", Operator::AnyOf),
    ("noneof", Operator::NoneOf),
    ("contains", Operator::Contains),
    ("size", Operator::Size),
    ("empty", Operator::Empty),
];

impl Condition {
    pub(super) fn holds(&self, environment: Environment<'_>) -> Result<bool, Problem> {
        budget::step();
        match self {
            Self::Any(conditions) => {
                for condition in conditions {
                    if condition.holds(environment)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::All(conditions) => {
                for condition in conditions {
                    if !condition.holds(environment)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(condition) => Ok(!condition.holds(environment)?),
            Self::Exists(path) => Ok(path.find(environment)?.is_some()),
            Self::Compare(left, Operator::Matches, right) => match (left, right) {
                (text, Operand::Pattern(pattern)) | (Operand::Pattern(pattern), text) => {
                    text.value(environment)?.map_or(Ok(false), |text| matches(&text, pattern))
                }
                _ => Ok(false),
            },
            Self::Compare(left, operator, right) => {
                Ok(compare(left.value(environment)?.as_ref(), *operator, right.value(environment)?.as_ref()))
            }
        }
    }
}

impl Operand {
    /// `None` if the path leads nowhere, which differs from null.
    pub(super) fn value(&self, environment: Environment<'_>) -> Result<Option<Val>, Problem> {
        match self {
            Self::Path(path) => path.find(environment),
            Self::Literal(value) | Self::Pattern(value) => Ok(Some(value.clone())),
        }
    }
}

fn matches(text: &Val, pattern: &Val) -> Result<bool, Problem> {
    let text = match text {
        Val::Text(_) => text.clone(),
        Val::Bool(_) | Val::Int(_) | Val::Large(_) | Val::Float(_) => Val::text(text.to_text()),
        _ => return Ok(false),
    };
    let found = builtins::matches(&text, pattern).map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(found.is_true())
}

fn compare(left: Option<&Val>, operator: Operator, right: Option<&Val>) -> bool {
    match operator {
        Operator::NotEqual => return !compare(left, Operator::Equal, right),
        Operator::NotSame => return !compare(left, Operator::Same, right),
        Operator::NotIn => return !compare(left, Operator::In, right),
        _ => {}
    }
    let (Some(left), Some(right)) = (left, right) else { return false };
    let alike = left.type_name() == right.type_name();
    let ordered = alike && (left.as_number().is_some() || left.as_str().is_some());
    let is_in = |list: &Val, value: &Val| {
        budget::step();
        list.elements().iter().any(|item| equal(item, value))
    };
    let lists = left.is_array() && right.is_array();
    match operator {
        Operator::Equal => equal(left, right),
        Operator::Same => alike && left == right,
        Operator::Less => ordered && left < right,
        Operator::LessOrEqual => ordered && left <= right,
        Operator::Greater => ordered && left > right,
        Operator::GreaterOrEqual => ordered && left >= right,
        Operator::In => is_in(right, left),
        Operator::SubsetOf => lists && left.elements().iter().all(|item| is_in(right, item)),
        Operator::AnyOf => lists && left.elements().iter().any(|item| is_in(right, item)),
        Operator::NoneOf => lists && !left.elements().iter().any(|item| is_in(right, item)),
        Operator::Contains => match (left.as_str(), right.as_str()) {
            (Some(text), Some(part)) => text.contains(part),
            _ => is_in(left, right),
        },
        Operator::Size => size(left).is_some_and(|size| right.as_i64() == i64::try_from(size).ok()),
        Operator::Empty => match (size(left), right) {
            (Some(size), Val::Bool(empty)) => (size == 0) == *empty,
            _ => false,
        },
        Operator::NotEqual | Operator::NotSame | Operator::NotIn | Operator::Matches => false,
    }
}

/// Equality as in Jayway: a number equals its text.
fn equal(left: &Val, right: &Val) -> bool {
    match (left, right) {
        (_, Val::Text(text)) if left.as_number().is_some() => left.as_number() == text.trim().parse().ok(),
        (Val::Text(text), _) if right.as_number().is_some() => **text == *right.to_text(),
        _ => left == right,
    }
}

fn size(value: &Val) -> Option<usize> {
    match value {
        Val::Text(text) => Some(text.chars().count()),
        Val::Array(_) => Some(value.elements().len()),
        Val::Object(_) => Some(value.members().len()),
        _ => None,
    }
}

/// Whether a condition's value is true; `None` if it is neither true nor false.
pub(crate) fn is_true(value: &Val) -> Option<bool> {
    match value {
        Val::Null => Some(false),
        Val::Bool(value) => Some(*value),
        Val::Int(number) => Some(*number != 0),
        Val::Large(_) => Some(true),
        Val::Array(_) => Some(!value.elements().is_empty()),
        Val::Text(text) => match text.trim() {
            "true" | "True" | "TRUE" => Some(true),
            "" | "false" | "False" | "FALSE" => Some(false),
            _ => None,
        },
        Val::Float(_) | Val::Object(_) | Val::Lookup(_) => None,
    }
}
