//! Values as text inside of expressions, where SonataFlow has two ways of writing a number that is not whole.
//!
//! `"\( )"` and `join` write it as Java does: `1.0`, `1.5E10`. `tostring`, `tojson` and the formats leave out a fraction of
//! zero: `1`, `1.5e+10`. `json.rs` writes the JSON that leaves the engine.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use super::{Val, whole};
use crate::text_builder::TextBuilder;

/// How floats are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Numbers {
    /// As Java does.
    Java,
    /// Without `.0`.
    Short,
}

impl Val {
    /// The text itself, or compact JSON of anything else.
    pub(crate) fn printed(&self, numbers: Numbers) -> String {
        match (self, numbers) {
            (Self::Text(text), _) => text.to_string(),
            (Self::Float(number), Numbers::Java) if number.is_nan() => "NaN".to_owned(),
            (Self::Float(number), _) => float(*number, numbers),
            _ => self.printed_json(numbers),
        }
    }

    /// Its type and the beginning of its JSON, for messages.
    pub(crate) fn preview(&self) -> String {
        const LONGEST: usize = 14;
        // One character more than is printed tells whether to print `...`; a character has at most 4 bytes.
        let (kind, json) = (self.type_name(), self.json_start(Numbers::Short, 4 * (LONGEST + 1)));
        match json.char_indices().nth(LONGEST) {
            Some(_) => format!("{kind} ({}...)", json.chars().take(LONGEST - 3).collect::<String>()),
            None => format!("{kind} ({json})"),
        }
    }

    /// The beginning of its JSON, for messages that show all of a small value.
    pub(crate) fn excerpt(&self) -> String {
        const LONGEST: usize = 2048;
        let start = self.json_start(Numbers::Java, LONGEST + 1);
        if start.len() <= LONGEST {
            start
        } else {
            format!("{}…", &start[..start.floor_char_boundary(LONGEST)])
        }
    }

    /// Compact JSON.
    pub(crate) fn printed_json(&self, numbers: Numbers) -> String {
        let mut text = TextBuilder::default();
        // A small array that holds one long text many times prints long, so the text is bounded while it grows.
        let written = self.serialize(&mut Serializer::with_formatter(&mut text, numbers));
        written.map_or_else(|_| String::new(), |()| text.into_string())
    }

    /// The first `bytes` bytes of its compact JSON, without a character that they would cut. Printing stops there, so the costs do
    /// not depend on the size of the value.
    pub(crate) fn json_start(&self, numbers: Numbers, bytes: usize) -> String {
        let mut start = Start { text: Vec::new(), room: bytes };
        // `Start` ends the serialization with an error when it is full.
        let _ = self.serialize(&mut Serializer::with_formatter(&mut start, numbers));
        let valid = match std::str::from_utf8(&start.text) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        start.text.truncate(valid);
        String::from_utf8(start.text).unwrap_or_default()
    }
}

/// A buffer that takes a fixed number of bytes.
struct Start {
    text: Vec<u8>,
    room: usize,
}

impl Write for Start {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.room - self.text.len());
        self.text.extend_from_slice(bytes.get(..fits).unwrap_or_default());
        if fits == 0 && !bytes.is_empty() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(fits) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Formatter for Numbers {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(float(value, *self).as_bytes())
    }
}

fn float(number: f64, numbers: Numbers) -> String {
    match numbers {
        Numbers::Java if number.is_infinite() => {
            if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Numbers::Java => java(number),
        Numbers::Short if number.is_nan() => "null".to_owned(),
        Numbers::Short => {
            if let Some(whole) = whole(number) {
                return whole.to_string();
            }
            let text = java(number.clamp(f64::MIN, f64::MAX));
            if text.contains("E-") { text.replace('E', "e") } else { text.replace('E', "e+") }
        }
    }
}

/// Java's `Double.toString`: with an exponent below a thousandth and from ten millions.
fn java(number: f64) -> String {
    if number == 0.0 || (1e-3..1e7).contains(&number.abs()) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_two_ways() {
        for (number, as_java, short) in [
            (1.0, "1.0", "1"),
            (-2.5, "-2.5", "-2.5"),
            (0.001, "0.001", "0.001"),
            (0.000_15, "1.5E-4", "1.5e-4"),
            (1e10, "1.0E10", "10000000000"),
            (123_456_789.5, "1.234567895E8", "1.234567895e+8"),
            (1e300, "1.0E300", "1.0e+300"),
            (f64::INFINITY, "Infinity", "1.7976931348623157e+308"),
        ] {
            assert_eq!(Val::Float(number).printed(Numbers::Java), as_java);
            assert_eq!(Val::Float(number).printed(Numbers::Short), short);
        }
    }
}
