//! Estimates how much memory the values of a JSON text take, without parsing it.

/// Bytes of a value, with its place in an array or object.
const VALUE: u64 = 48;

/// Bytes that a string takes besides its characters.
const TEXT: u64 = 24;

/// Bytes that an array, and an object, takes besides its elements.
const ARRAY: u64 = 96;
const OBJECT: u64 = 288;

/// Upper bound of the bytes that the values of a JSON text take, strings included. A text that is not JSON also gets a number.
pub(crate) fn of(text: &str) -> u64 {
    let Counts { values, texts, arrays, objects } = count(text.as_bytes());
    text.len() as u64 + values * VALUE + texts * TEXT + arrays * ARRAY + objects * OBJECT
}

/// Upper bound of the number of values in a JSON text, counting names of members.
pub(crate) fn values(text: &[u8]) -> u64 {
    count(text).values
}

struct Counts {
    values: u64,
    texts: u64,
    arrays: u64,
    objects: u64,
}

fn count(text: &[u8]) -> Counts {
    let mut counts = Counts { values: 1, texts: 0, arrays: 0, objects: 0 };
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                counts.texts += 1;
                while let Some(inner) = bytes.next() {
                    match inner {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b',' | b':' => counts.values += 1,
            b'[' => {
                counts.values += 1;
                counts.arrays += 1;
            }
            b'{' => {
                counts.values += 1;
                counts.objects += 1;
            }
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use rondo_expression::Val;

    use super::*;

    #[test]
    fn no_value_takes_more_than_its_weight() {
        for text in [
            "1".to_owned(),
            format!("[{}1]", "1,".repeat(10_000)),
            format!("[{}[]]", "[],".repeat(10_000)),
            format!("[{}{{}}]", "{},".repeat(10_000)),
            format!("[{}{{\"a\":1}}]", "{\"a\":1},".repeat(10_000)),
            format!("[{}\"\"]", "\"\",".repeat(10_000)),
            format!("[\"{}\"]", "[".repeat(10_000)),
            format!("{{{}\"z\":0}}", (0..10_000).map(|n| format!("\"m{n}\":[],")).collect::<String>()),
            "[".repeat(90) + &"]".repeat(90),
        ] {
            let value = Val::from_json(text.as_bytes()).unwrap();
            let (weight, memory) = (of(&text), value.memory() as u64);
            let start = text.get(..20).unwrap_or(&text);
            assert!(
                weight >= memory && weight < 5 * memory + text.len() as u64 + 500,
                "{start}: {weight} {memory}"
            );
        }
        assert_eq!(values(br#"{"a,\\\",[": [1, 2]}"#), 5);
    }
}
