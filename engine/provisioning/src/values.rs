//! People, objects and values as HTML: on the pages of the desk and on those behind links.
//!
//! Promises: every text is escaped.

use maud::{Markup, html};
use serde_json::{Map, Value};

/// A person, group or role: users of the default namespace, who are nearly all, by their bare name.
pub(crate) fn who(reference: &str) -> Markup {
    let name = reference.strip_prefix("user:default/").unwrap_or(reference);
    html! { span class="who" title=(reference) { (name) } }
}

/// Several people, groups or roles.
pub(crate) fn who_all(references: &[String]) -> Markup {
    html! { @for (number, reference) in references.iter().enumerate() {
        @if number > 0 { ", " }
        (who(reference))
    } }
}

/// Members of an object with their values, one a line.
pub(crate) fn members(object: &Map<String, Value>) -> Markup {
    html! {
        dl {
            @for (name, member) in object {
                dt { (words(name)) }
                dd { (value(member)) }
            }
        }
    }
}

/// A value as people write it.
pub(crate) fn value(value: &Value) -> Markup {
    html! {
        @match value {
            Value::Null => "–",
            Value::Bool(yes) => (if *yes { "yes" } else { "no" }),
            Value::Number(number) => (number),
            Value::String(text) => (text),
            Value::Object(object) => (members(object)),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                @for item in items { div class="item" { (self::value(item)) } }
            },
            Value::Array(items) => {
                @for (number, item) in items.iter().enumerate() {
                    @if number > 0 { ", " }
                    (self::value(item))
                }
            },
        }
    }
}

/// A name of JSON as words: `primaryTechnicalLead` as `Primary technical lead`, `memoryGiB` as `Memory GiB`.
fn words(name: &str) -> String {
    if name == "cpu" {
        return "CPU".to_owned();
    }
    let (name, unit) = name.strip_suffix("GiB").map_or((name, ""), |rest| (rest, " GiB"));
    let mut words = String::new();
    let mut letters = name.chars().peekable();
    let mut is_after_small = false;
    while let Some(letter) = letters.next() {
        let is_acronym = letters.peek().is_some_and(|next| next.is_uppercase());
        match letter.is_uppercase() && is_after_small {
            true if is_acronym => words.extend([' ', letter]),
            true => words.extend(std::iter::once(' ').chain(letter.to_lowercase())),
            false => words.push(letter),
        }
        is_after_small = letter.is_lowercase();
    }
    words.push_str(unit);
    let mut letters = words.trim_start().chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_json_are_shown_as_words() {
        for (name, expected) in [
            ("cpu", "CPU"),
            ("memoryGiB", "Memory GiB"),
            ("primaryTechnicalLead", "Primary technical lead"),
            ("apiURL", "Api URL"),
            ("already two", "Already two"),
            ("GiB", "GiB"),
            ("", ""),
        ] {
            assert_eq!(words(name), expected);
        }
    }

    #[test]
    fn values_are_shown_as_people_write_them_and_escaped() {
        let shown = value(
            &json!({"isTest": false, "names": ["a", "<b>"], "people": [{"role": "EDITOR"}], "none": null}),
        );
        assert_eq!(
            shown.into_string(),
            "<dl><dt>Is test</dt><dd>no</dd><dt>Names</dt><dd>a, &lt;b&gt;</dd>\
             <dt>People</dt><dd><div class=\"item\"><dl><dt>Role</dt><dd>EDITOR</dd></dl></div></dd><dt>None</dt><dd>–</dd></dl>"
        );
    }

    #[test]
    fn only_users_of_the_default_namespace_lose_their_kind() {
        for (reference, name) in [
            ("user:default/jane", "jane"),
            ("role:reviewer", "role:reviewer"),
            ("user:other/jane", "user:other/jane"),
            ("<b>", "&lt;b&gt;"),
        ] {
            assert!(who(reference).into_string().contains(&format!(">{name}</span>")), "{reference}");
        }
    }
}
