//! `orderBy` and `pagination`.

use std::cmp::Ordering;

use rondo_store::{Direction, Field};
use serde_json::Value;

use super::filter;

/// The part of a list that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// How many at most.
    pub(super) limit: Option<u64>,
    /// How many to leave out at the beginning.
    pub(super) offset: u64,
}

impl Page {
    /// Reads the argument. The error says what is wrong with it.
    pub(super) fn of(pagination: &Value) -> Result<Self, String> {
        let number = |name| match pagination.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(number) => number
                .as_u64()
                .map(Some)
                .ok_or_else(|| format!("`pagination.{name}` is {number}; it must be 0 or more")),
        };
        Ok(Self { limit: number("limit")?, offset: number("offset")?.unwrap_or(0) })
    }

    /// Takes this part out of a list.
    pub(super) fn cut<T>(self, list: impl IntoIterator<Item = T>) -> Vec<T> {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        list.into_iter().skip(size(self.offset)).take(self.limit.map_or(usize::MAX, size)).collect()
    }
}

/// The keys of `orderBy`, in the order given, as paths.
fn keys(order: &Value) -> Vec<(Vec<&str>, Direction)> {
    fn collect<'o>(order: &'o Value, path: &[&'o str], keys: &mut Vec<(Vec<&'o str>, Direction)>) {
        for (name, value) in order.as_object().into_iter().flatten() {
            let path = [path, &[name.as_str()]].concat();
            match value.as_str() {
                Some("DESC") => keys.push((path, Direction::Descending)),
                Some(_) => keys.push((path, Direction::Ascending)),
                None => collect(value, &path, keys),
            }
        }
    }
    let mut found = Vec::new();
    collect(order, &[], &mut found);
    found
}

/// The order of instances in the store. Keys that are null for all instances order nothing.
pub(super) fn in_store(order: &Value) -> Vec<(Field, Direction)> {
    let keys = keys(order).into_iter();
    keys.filter_map(|(path, direction)| Some((filter::field(&path)?, direction))).collect()
}

/// Sorts objects in memory by the members that `members` gives.
pub(super) fn in_memory<T>(list: &mut [T], order: &Value, members: impl Fn(&T) -> &Value) {
    let keys = keys(order);
    list.sort_by(|one, other| {
        let compared = keys.iter().map(|(path, direction)| {
            let text = |object| {
                let found = path.iter().try_fold(members(object), |object, key| object.get(key));
                found.filter(|value| !value.is_null()).map(ToString::to_string)
            };
            let ordering = match (text(one), text(other)) {
                (Some(one), Some(other)) => one.cmp(&other),
                // What is missing comes last.
                (one, other) => one.is_none().cmp(&other.is_none()),
            };
            if *direction == Direction::Descending { ordering.reverse() } else { ordering }
        });
        compared.fold(Ordering::Equal, Ordering::then)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_count_in_the_order_given() {
        use Direction::{Ascending, Descending};
        for (order, expected) in [
            (json!({"start": "DESC"}), vec![(Field::StartedAt, Descending)]),
            (
                json!({"state": "ASC", "error": {"message": "DESC"}, "end": "ASC"}),
                vec![
                    (Field::State, Ascending),
                    (Field::ErrorMessage, Descending),
                    (Field::EndedAt, Ascending),
                ],
            ),
            (json!({"createdBy": "ASC"}), vec![]),
            (json!({}), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(in_store(&order), expected, "{order}");
        }
    }

    #[test]
    fn objects_in_memory_are_sorted_and_cut() {
        let sorted = |order| {
            let mut list = vec![json!({"a": "x", "b": "2"}), json!({"a": "x", "b": "1"}), json!({"a": "w"})];
            in_memory(&mut list, &order, |one| one);
            list
        };
        let told = |list: Vec<Value>| {
            list.iter().map(|one| format!("{}{}", one["a"], one["b"])).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(sorted(json!({"a": "ASC", "b": "ASC"}))), r#""w"null "x""1" "x""2""#);
        assert_eq!(told(sorted(json!({"b": "ASC"}))), r#""x""1" "x""2" "w"null"#);
        assert_eq!(told(sorted(json!({"b": "DESC"}))), r#""w"null "x""2" "x""1""#);
        assert_eq!(told(sorted(json!({}))), r#""x""2" "x""1" "w"null"#);
        let cut = |page| Page::of(&page).map(|page| page.cut([1, 2, 3, 4]));
        assert_eq!(cut(json!({"limit": 2, "offset": 1})), Ok(vec![2, 3]));
        assert_eq!(cut(json!({"limit": null})), Ok(vec![1, 2, 3, 4]));
        assert_eq!(cut(json!({"limit": 0})), Ok(vec![]));
        assert_eq!(cut(json!({"limit": -1})), Err("`pagination.limit` is -1; it must be 0 or more".into()));
        assert_eq!(cut(json!({"offset": -1})), Err("`pagination.offset` is -1; it must be 0 or more".into()));
    }
}
