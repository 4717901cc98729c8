//! The path that the text of an expression is, or ends with.

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A member of an object.
    Name(String),
    /// An element of an array; a negative index counts from the end.
    Index(i64),
}

/// Whether the text is the data as a whole, in jq or `JSONPath`.
pub(super) fn is_whole(text: &str) -> bool {
    [".", "$"].contains(&text.trim())
}

/// The steps of a text that is a path, such as `.a["b"][0].c`, `.a | .b` and `$.a['b']`; else the names at its end: `n` of
/// `.list[] | .n`.
pub(super) fn of(text: &str) -> Vec<Step> {
    read(text).0
}

/// Whether a text is a path, and not only ends with one.
pub(super) fn is_path(text: &str) -> bool {
    read(text).1
}

fn read(text: &str) -> (Vec<Step>, bool) {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    let is_path = loop {
        match last_step(rest) {
            Some((before, step)) => {
                steps.push(step);
                rest = before.trim_end();
            }
            None => match rest {
                "" | "$" | "." => break true,
                _ => match rest.strip_suffix('|') {
                    Some(before) => rest = before.trim_end(),
                    None => break false,
                },
            },
        }
    };
    if !is_path {
        let names = steps.iter().position(|step| matches!(step, Step::Index(_)));
        steps.truncate(names.unwrap_or(steps.len()));
    }
    steps.reverse();
    (steps, is_path)
}

/// The last step of a text, and the text before it.
fn last_step(text: &str) -> Option<(&str, Step)> {
    if let Some(inner) = text.strip_suffix(']') {
        let inner = inner.trim_end();
        for quote in ['"', '\''] {
            if let Some(inner) = inner.strip_suffix(quote) {
                let (before, name) = inner.rsplit_once(quote)?;
                let before = before.trim_end().strip_suffix('[')?;
                return Some((without_dot(before), Step::Name(name.to_owned())));
            }
        }
        let (before, index) = inner.rsplit_once('[')?;
        return Some((without_dot(before), Step::Index(index.trim().parse().ok()?)));
    }
    if let Some(inner) = text.strip_suffix('"') {
        let (before, name) = inner.rsplit_once(".\"")?;
        return Some((before, Step::Name(name.to_owned())));
    }
    let (before, name) = text.rsplit_once('.')?;
    let is_name = |next: char| next.is_alphanumeric() || next == '_' || next == '-';
    (!name.is_empty() && name.chars().all(is_name)).then(|| (before, Step::Name(name.to_owned())))
}

/// jq takes `.["a"]` and `.[0]` for `["a"]` and `[0]` of what stands before.
fn without_dot(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_computes_something_is_no_path() {
        for text in [".", "$", ".a", ".a.b-c", ".a | .b", ".[\"a b\"][0].c", "$.a['b']"] {
            assert!(is_path(text), "{text}");
        }
        for text in [".a + .b", ".list[] | .n", ".list[]", "a", "{a: .b}", "(.a)"] {
            assert!(!is_path(text), "{text}");
        }
    }

    #[test]
    fn a_path_is_read_from_its_text() {
        let name = |name: &str| Step::Name(name.to_owned());
        for (text, steps) in [
            (".", vec![]),
            ("$", vec![]),
            (" .a ", vec![name("a")]),
            (".a.b-c", vec![name("a"), name("b-c")]),
            (".a | .b", vec![name("a"), name("b")]),
            (". | .b", vec![name("b")]),
            (".\"a b\".c", vec![name("a b"), name("c")]),
            (".[\"a b\"][0].c", vec![name("a b"), Step::Index(0), name("c")]),
            (".a.[-1]", vec![name("a"), Step::Index(-1)]),
            (".a[ 1 ]", vec![name("a"), Step::Index(1)]),
            ("$.a['b'][2]", vec![name("a"), name("b"), Step::Index(2)]),
            (".list[] | .n.m", vec![name("n"), name("m")]),
            (".list[:1].n", vec![name("n")]),
            (".list[1:] | .[0]", vec![]),
            (".a[.b]", vec![]),
            ("{a: .o}", vec![]),
            ("1.5", vec![name("5")]),
        ] {
            assert_eq!(of(text), steps, "{text}");
        }
    }
}
