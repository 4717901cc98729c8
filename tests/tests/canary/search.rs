//! Finds a secret in whatever form it stands somewhere: plain, in base64, percent-encoded, hexadecimal.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};

/// A secret, and how it is called in what a test says.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) name: String,
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

    /// Where the secret is in a text, with what stands around it.
    pub(crate) fn find(&self, text: &[u8]) -> Option<String> {
        self.forms.iter().find_map(|form| {
            let at = position(text, form.as_bytes())?;
            let around = &text[at.saturating_sub(160)..(at + 160).min(text.len())];
            Some(String::from_utf8_lossy(around).into_owned())
        })
    }
}

/// The secret behind this many other bytes, as a part of something that is encoded as a whole.
fn shifted(secret: &str, before: usize) -> Vec<u8> {
    [&vec![b'x'; before], secret.as_bytes()].concat()
}

/// The letters of base64 that only the secret decides, not what stands before or behind it.
fn inner(encoded: &str, before: usize, length: usize) -> &str {
    &encoded[(before * 8).div_ceil(6)..(before + length) * 8 / 6]
}

/// A quick search: most texts are megabytes of log.
fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let mut begin = 0;
    while let Some(at) = text[begin..].iter().position(|byte| *byte == first) {
        if text[begin + at..].starts_with(part) {
            return Some(begin + at);
        }
        begin += at + 1;
    }
    None
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret = Secret::new("a", "canary/of+a=token");
    for text in [
        "token canary/of+a=token.",
        r#"{"a":"canary\/of+a=token"}"#,
        "?token=canary%2Fof%2Ba%3Dtoken&x",
        "63616e6172792f6f662b613d746f6b656e",
        &BASE64_STANDARD.encode("user:canary/of+a=token"),
        &BASE64_STANDARD.encode("users:canary/of+a=token!"),
        &BASE64_STANDARD.encode("x: canary/of+a=token and more"),
    ] {
        assert!(secret.find(text.as_bytes()).is_some(), "{text}");
    }
    assert!(secret.find(b"canary/of+another=token").is_none());
}
