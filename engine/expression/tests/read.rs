//! JSON is read into values within limits, as `serde_json` reads it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use rondo_expression::{ReadError, ReadLimits, Val};
use serde_json::Value;

fn read(text: &[u8], limits: ReadLimits) -> Result<Val, ReadError> {
    Val::read_json(text, limits, &mut |_| true)
}

/// The bytes that were granted while reading, and the outcome.
fn granted(text: &[u8], room: usize) -> (usize, Result<Val, ReadError>) {
    let mut taken = 0;
    let read = Val::read_json(text, ReadLimits::default(), &mut |more| {
        let fits = taken + more <= room;
        taken += if fits { more } else { 0 };
        fits
    });
    (taken, read)
}

#[test]
fn each_limit_is_an_error_that_names_it() {
    let unlimited = ReadLimits { nodes: usize::MAX, memory: usize::MAX, ..ReadLimits::default() };
    for (text, limits, message) in [
        ("[1,2,3]", ReadLimits { nodes: 3, ..unlimited }, "it has more than 3 values"),
        ("[[[]]]", ReadLimits { depth: 2, ..unlimited }, "it is nested more than 2 levels deep"),
        ("{\"a\":{}}", ReadLimits { depth: 1, ..unlimited }, "it is nested more than 1 levels deep"),
        ("[1,2,3]", ReadLimits { memory: 100, ..unlimited }, "its values take more than 100 bytes of memory"),
        (
            "\"0123456789\"",
            ReadLimits { memory: 20, ..unlimited },
            "its values take more than 20 bytes of memory",
        ),
        (
            "{\"0123456789\":1}",
            ReadLimits { memory: 140, ..unlimited },
            "its values take more than 140 bytes of memory",
        ),
        ("[1", unlimited, "EOF while parsing a list at line 1 column 2"),
        ("[1] 2", unlimited, "trailing characters at line 1 column 5"),
    ] {
        let error = read(text.as_bytes(), limits).unwrap_err().to_string();
        assert_eq!(error, message, "{text}");
    }
    for (text, limits) in [
        ("[1,2,3]", ReadLimits { nodes: 4, ..unlimited }),
        ("[[[]]]", ReadLimits { depth: 3, ..unlimited }),
        ("[1,2,3]", ReadLimits { memory: 200, ..unlimited }),
    ] {
        assert!(read(text.as_bytes(), limits).is_ok(), "{text}");
    }
}

/// Every kind of growth: elements of a long array, small arrays, texts, members of one object, objects.
fn large() -> impl Iterator<Item = String> {
    let listed = |one: &str, times: usize| format!("[{}]", vec![one; times].join(","));
    let members: Vec<String> = (0..50_000).map(|index| format!("\"name {index}\":0")).collect();
    [
        listed("1", 500_000),
        listed("[1,2]", 100_000),
        listed("\"abcdefgh\"", 100_000),
        listed("{\"name\":1,\"other\":[2]}", 30_000),
        format!("\"{}\"", "x".repeat(4_000_000)),
        format!("{{{}}}", members.join(",")),
    ]
    .into_iter()
}

#[test]
fn memory_is_granted_before_it_is_taken() {
    for text in large() {
        let (taken, value) = granted(text.as_bytes(), usize::MAX);
        let memory = value.unwrap().memory();
        assert!((memory..=2 * memory).contains(&taken), "{memory} bytes, {taken} granted: {}", &text[..20]);
        let (taken, value) = granted(text.as_bytes(), memory / 2);
        assert!(matches!(value, Err(ReadError::NoRoom)), "{}", &text[..20]);
        assert!(taken <= memory / 2);
    }
    // A short text asks for little.
    let (taken, value) = granted(br#"{"name": "value"}"#, usize::MAX);
    assert!(value.is_ok() && taken <= 1024, "{taken}");
}

#[test]
fn nulls_of_lists_are_left_out_on_request() {
    let limits = ReadLimits { skips_null_elements: true, ..ReadLimits::default() };
    for text in ["null", "[null]", "[1,null,[null,{\"a\":[null],\"b\":null}]]", "{\"l\":[null,null,3]}"] {
        let plain = read(text.as_bytes(), ReadLimits::default()).unwrap();
        assert_eq!(read(text.as_bytes(), limits).unwrap(), plain.without_null_elements(), "{text}");
    }
}

#[test]
fn all_forms_are_read_as_serde_json_reads_them() {
    let texts = [
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e0",
        "1E+2",
        "1e-400",
        "123456789012345678",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "-9223372036854775808",
        "0.1",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1e309",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "NaN",
        "Infinity",
        "true",
        "True",
        "nul",
        "",
        " ",
        "\u{feff}1",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"b\":0,\"a\":1,\"b\":[2]}",
        r#""\u0041\n\/\\\"\b\f\r\t""#,
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#""\ude00\ud83d""#,
        r#""\u00""#,
        r#""\x""#,
        "\"\u{0}\"",
        "\"\n\"",
        "\"\u{7f}\"",
        "\"unfinished",
        "[[1,[2,[3,[]]]],{}]",
        "/* */ 1",
        "1 // c",
        "\t[\r\n1 , 2 ]\n",
        "[1]]",
        "{}{}",
        "'a'",
        "[1 2]",
    ];
    for text in texts {
        agrees(text.as_bytes());
    }
    for bytes in [&b"\"\xff\""[..], b"\"\xc3\x28\"", b"\xff", b"[\"\xe2\x82\"]"] {
        agrees(bytes);
    }
}

/// `serde_json` makes floats of these.
#[test]
fn whole_numbers_of_more_than_64_bits_stay_as_they_are() {
    for text in ["18446744073709551616", "-9223372036854775809", "[123456789012345678901234567890,1.5]"] {
        assert_eq!(read(text.as_bytes(), ReadLimits::default()).unwrap().to_json(), text);
    }
}

/// What this crate and `serde_json` read of a text is the same, and so is what they refuse.
fn agrees(text: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(text);
    let ours = read(text, ReadLimits::default());
    let shown = String::from_utf8_lossy(text);
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.to_json(), theirs.to_string(), "{shown}");
            assert_eq!(ours, Val::from(theirs), "{shown}");
        }
        (Err(ReadError::Syntax(ours)), Err(theirs)) => {
            assert_eq!(ours.to_string(), theirs.to_string(), "{shown}");
        }
        (ours, theirs) => panic!("{shown}: {ours:?} {theirs:?}"),
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 120, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..40).prop_map(Value::from),
            prop::collection::vec(("[a-f]{0,3}", inner), 0..12)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The text with unescaped characters beyond ASCII as they are, or all of them as `\u` escapes.
fn written(value: &Value, is_pretty: bool, is_escaped: bool) -> String {
    let text =
        if is_pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) }.unwrap();
    if !is_escaped {
        return text;
    }
    let mut units = [0; 2];
    text.chars().fold(String::new(), |mut escaped, character| {
        match character.is_ascii() {
            true => escaped.push(character),
            false => {
                escaped
                    .extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
        escaped
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_read_as_serde_json_reads_it(value in json(), is_pretty: bool, is_escaped: bool) {
        agrees(written(&value, is_pretty, is_escaped).as_bytes());
    }

    #[test]
    fn what_is_cut_or_changed_is_read_alike_or_refused(
        value in json(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut: prop::sample::Index,
    ) {
        let mut text = written(&value, false, false).into_bytes();
        agrees(&text[..cut.index(text.len())]);
        for (place, byte) in places {
            let place = place.index(text.len());
            text[place] = byte;
        }
        agrees(&text);
    }

    #[test]
    fn any_room_is_kept(value in json(), room in 0_usize..20_000) {
        let text = value.to_string();
        let (taken, read) = granted(text.as_bytes(), room);
        prop_assert!(taken <= room);
        match read {
            Ok(read) => prop_assert!(read.memory() <= taken, "{} of {taken}", read.memory()),
            Err(error) => prop_assert!(matches!(error, ReadError::NoRoom), "{error}"),
        }
    }
}
