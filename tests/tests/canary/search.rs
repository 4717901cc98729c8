//! Finds a secret in whatever form it stands somewhere: plain, in base64, percent-encoded, hexadecimal.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};

/// A secret, and how it is called in what a test says.
#[derive(Debug)]
pub(crate) struct Secret {
    name: String,
    forms: Vec<String>,
}

impl Secret {
    pub(crate) fn new(name: &str, secret: &str) -> Self {
        // A short one would be found by chance.
        assert!(secret.len() >= 12, "{name} is too short");
        let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let percent = |is_kept: fn(&u8) -> bool| -> String {
            secret
                .bytes()
                .map(
                    |byte| if is_kept(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") },
                )
                .collect()
        };
        let mut forms = vec![
            secret.to_owned(),
            hexadecimal.to_uppercase(),
            hexadecimal,
            percent(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)),
            percent(u8::is_ascii_alphanumeric),
            secret.replace('/', "\\/"),
        ];
        forms.extend([0, 1, 2].iter().flat_map(|before| {
            [
                BASE64_STANDARD.encode(shifted(secret, *before)),
                BASE64_URL_SAFE.encode(shifted(secret, *before)),
            ]
            .map(|encoded| inner(&encoded, *before, secret.len()).to_owned())
        }));
        forms.sort();
        forms.dedup();
        Self { name: name.to_owned(), forms }
    }
}

/// The secrets that are in a text: the name of each, with what stands around it.
pub(crate) fn find(secrets: &[Secret], text: &[u8]) -> BTreeMap<String, String> {
    // Most places begin no form, and texts have many megabytes: the first two bytes say so for all forms at once.
    let mut begins = vec![false; 1 << 16];
    let forms =
        || secrets.iter().flat_map(|secret| secret.forms.iter().map(move |form| (secret, form.as_bytes())));
    for (_, form) in forms() {
        begins[pair(form)] = true;
    }
    let mut found = BTreeMap::new();
    for at in 0..text.len().saturating_sub(1) {
        if !begins[pair(&text[at..])] {
            continue;
        }
        for (secret, _) in forms().filter(|(_, form)| text[at..].starts_with(form)) {
            let around = &text[at.saturating_sub(160)..(at + 160).min(text.len())];
            found.entry(secret.name.clone()).or_insert_with(|| String::from_utf8_lossy(around).into_owned());
        }
    }
    found
}

/// The first two bytes as a number.
fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// The secret behind this many other bytes, as a part of something that is encoded as a whole.
fn shifted(secret: &str, before: usize) -> Vec<u8> {
    [&vec![b'x'; before], secret.as_bytes()].concat()
}

/// The letters of base64 that only the secret decides, not what stands before or behind it.
fn inner(encoded: &str, before: usize, length: usize) -> &str {
    &encoded[(before * 8).div_ceil(6)..(before + length) * 8 / 6]
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secrets = [Secret::new("a", "canary/of+a=token"), Secret::new("b", "another-canary")];
    for text in [
        "token canary/of+a=token.",
        r#"{"a":"canary\/of+a=token"}"#,
        "?token=canary%2Fof%2Ba%3Dtoken&x",
        "63616e6172792f6f662b613d746f6b656e",
        &BASE64_STANDARD.encode("user:canary/of+a=token"),
        &BASE64_STANDARD.encode("users:canary/of+a=token!"),
        &BASE64_STANDARD.encode("x: canary/of+a=token and more"),
    ] {
        assert_eq!(find(&secrets, text.as_bytes()).len(), 1, "{text}");
    }
    assert!(find(&secrets, b"canary/of+another=token").is_empty());
}
