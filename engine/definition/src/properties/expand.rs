//! Expands `${NAME}` and `${NAME:default}` in the values of properties.
//!
//! Owns: the syntax of references, which may be nested (`${A:${B:c}}`); `$${` and `\${` are a literal `${`. Promises: ends for any text. A
//! reference without closing brace is text.

use std::cell::Cell;

use super::PropertyError;

/// The deepest nesting of references. Real files have a nesting of two; deeper ones would overflow the stack.
const MAX_DEPTH: usize = 32;

/// The longest expanded value, 1 MiB. Longer ones come only from properties that refer to each other many times, and would fill the memory.
const MAX_LENGTH: usize = 1 << 20;

/// References of one value, those in the values of others included. Properties that refer to each other twice at each of many levels ask for
/// billions, and may be empty in the end; real files have a few dozen.
const MAX_REFERENCES: u32 = 1000;

/// Expands all references in `raw`, the value of `key`. `lookup` returns the raw value of another property.
pub(super) fn expand<'p>(
    raw: &str,
    key: &str,
    lookup: &dyn Fn(&str) -> Option<&'p str>,
) -> Result<String, PropertyError> {
    let mut out = String::new();
    Expansion { key, lookup, left: Cell::new(MAX_REFERENCES) }.append(
        raw,
        &mut vec![key.to_owned()],
        0,
        &mut out,
    )?;
    Ok(out)
}

struct Expansion<'e, 'p> {
    key: &'e str,
    lookup: &'e dyn Fn(&str) -> Option<&'p str>,
    /// References that may still be followed.
    left: Cell<u32>,
}

impl Expansion<'_, '_> {
    /// Appends a text with its references expanded. `path`: the properties that are being expanded, to find cycles.
    fn append(
        &self,
        mut rest: &str,
        path: &mut Vec<String>,
        depth: usize,
        out: &mut String,
    ) -> Result<(), PropertyError> {
        while let Some(at) = rest.find("${") {
            let (before, reference) = rest.split_at(at);
            if let Some(literal) = before.strip_suffix(['$', '\\']) {
                out.push_str(literal);
                out.push_str("${");
                rest = &reference[2..];
                continue;
            }
            let Some(end) = find_closing_brace(reference) else { break };
            out.push_str(before);
            self.append_reference(&reference[2..end], path, depth + 1, out)?;
            rest = &reference[end + 1..];
        }
        out.push_str(rest);
        Ok(())
    }

    /// Appends the value of a reference: `NAME` or `NAME:default`. The name itself may contain references.
    fn append_reference(
        &self,
        inner: &str,
        path: &mut Vec<String>,
        depth: usize,
        out: &mut String,
    ) -> Result<(), PropertyError> {
        let (name, default) = split_default(inner);
        let cycle = |name: &str, circle: &[String]| PropertyError::Cycle {
            key: self.key.to_owned(),
            reference: name.to_owned(),
            circle: circle.to_vec(),
        };
        if depth > MAX_DEPTH || out.len() > MAX_LENGTH || self.left.get() == 0 {
            return Err(cycle(name, &[]));
        }
        self.left.set(self.left.get() - 1);
        let mut expanded = String::new();
        self.append(name.trim(), path, depth, &mut expanded)?;
        if let Some(raw) = (self.lookup)(&expanded) {
            if let Some(at) = path.iter().position(|known| *known == expanded) {
                return Err(cycle(&expanded, path.get(at..).unwrap_or_default()));
            }
            path.push(expanded);
            self.append(raw, path, depth, out)?;
            path.pop();
            return Ok(());
        }
        match default {
            Some(default) => self.append(default, path, depth, out),
            None => Err(PropertyError::Unset { key: self.key.to_owned(), reference: expanded }),
        }
    }
}

/// Whether a text contains a `${` without closing brace.
pub(super) fn is_unterminated(mut rest: &str) -> bool {
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        let end = if before.ends_with(['$', '\\']) { Some(1) } else { find_closing_brace(reference) };
        let Some(end) = end else { return true };
        rest = &reference[end + 1..];
    }
    false
}

/// The byte offset of the `}` that closes the `${` at the start of a text.
fn find_closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'$' if bytes.peek().is_some_and(|(_, next)| *next == b'{') => {
                bytes.next();
                open += 1;
            }
            b'}' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Splits at the first `:` outside of nested references.
fn split_default(inner: &str) -> (&str, Option<&str>) {
    let mut from = 0;
    loop {
        let Some(tail) = inner.get(from..) else { return (inner, None) };
        let colon = tail.find(':');
        match (colon, tail.find("${")) {
            (Some(colon), Some(open)) if open < colon => match find_closing_brace(&tail[open..]) {
                Some(end) => from += open + end + 1,
                None => return (inner, None),
            },
            (Some(colon), _) => {
                let at = from + colon;
                return (&inner[..at], Some(&inner[at + 1..]));
            }
            (None, _) => return (inner, None),
        }
    }
}
