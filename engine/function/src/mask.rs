//! Masks secrets in everything that people read.
//!
//! Owns: [`Mask`], the secrets of one call, and [`Secrets`], those of the process. Promises: every occurrence of a masked text is replaced, also
//! in the forms that it takes in URLs, forms, JSON, HTML and base64, and where secrets overlap; URLs lose their `user:password@`. Never: masks
//! data; a secret that an author writes into the data is data.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use parking_lot::RwLock;
use rondo_definition::{Properties, settings, without_userinfo};
use rondo_expression::Val;
use url::Url;

use crate::encoding::percent_decode;
use crate::secret_forms::{base64_forms, text_forms};
use crate::secret_names::{is_confidential, is_secret_member, is_secret_name};
use crate::security::basic;

/// The secrets of the process: those in the properties, and those that expressions have read. Clones share one list.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Texts>>);

/// The secrets of one call, and those of the process.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    texts: BTreeSet<String>,
    process: Secrets,
}

/// The texts to mask.
#[derive(Default)]
struct Texts {
    given: BTreeSet<String>,
    /// Search for all forms of the texts; rebuilt when a text is added, which is rare, and used for every message.
    search: Search,
}

/// Finds the forms of texts.
#[derive(Default)]
struct Search {
    forms: Option<AhoCorasick>,
    /// Index of the first form in base64; the forms behind it are in base64, too.
    first_in_base64: usize,
    longest: usize,
}

/// Shorter texts of a call are not masked: replacing every `a` destroys the message and reveals that the secret is `a`.
const SHORTEST_OF_A_CALL: usize = 3;

/// Most masked texts of a call. All their forms are searched for in one body, and no request has so many credentials.
const MOST_OF_A_CALL: usize = 200;

/// The same for the process. It is larger, because these texts are masked in every message, and many values that `$SECRET` reads are no secrets
/// (`true`, `8080`).
const SHORTEST_OF_THE_PROCESS: usize = 6;

impl Secrets {
    /// The secrets in the properties of all projects, because no project may show the secrets of another.
    pub fn of<'p>(projects: impl IntoIterator<Item = &'p Properties>) -> Self {
        let mut texts = BTreeSet::new();
        for properties in projects {
            for key in properties.keys_with_prefix("") {
                let value = properties.get(key).unwrap_or_default();
                if is_confidential(key) {
                    texts.insert(value);
                } else if let Some(password) = password_of(&value) {
                    texts.insert(password);
                }
            }
            for token in settings::AUTH_TOKEN.tokens(properties).unwrap_or_default() {
                // `NAME:TOKEN`
                texts.extend(token.split_once(':').map(|(_, secret)| secret.to_owned()));
                texts.insert(token);
            }
        }
        let texts =
            texts.iter().map(|text| text.trim()).filter(|text| is_long_enough(text)).map(str::to_owned);
        Self(Arc::new(RwLock::new(Texts::of(texts.collect()))))
    }

    /// Masks a text from now on, unless it is so short that it occurs in other words by chance.
    pub fn hide(&self, text: &str) {
        let text = text.trim();
        if !is_long_enough(text) || self.0.read().given.contains(text) {
            return;
        }
        let mut texts = self.0.write();
        let mut given = std::mem::take(&mut texts.given);
        given.insert(text.to_owned());
        *texts = Texts::of(given);
    }

    /// The text with its secrets masked.
    pub fn mask(&self, text: &str) -> String {
        let masked = self.0.read().search.replace(text);
        without_userinfo(&masked).into_owned()
    }

    /// The beginning of a text in at most `most` bytes, with its secrets masked, and without any part of one that the end cuts.
    pub fn mask_beginning(&self, text: &str, most: usize) -> String {
        Mask::new(self.clone()).apply_to_beginning(text, most)
    }
}

impl Mask {
    /// A mask of the secrets of the process, without any of a call yet.
    pub(crate) fn new(process: Secrets) -> Self {
        Self { texts: BTreeSet::new(), process }
    }

    /// Masks a text from now on. For a header value such as `Bearer abc` it also masks the credential alone, and for cookies the value of each.
    pub(crate) fn hide(&mut self, text: &str) {
        let credential = text.split_once(' ').map_or("", |(_, credential)| credential);
        let cookies = text.split(';').filter_map(|pair| Some(pair.split_once('=')?.1));
        for part in [text, credential].into_iter().chain(cookies).map(str::trim) {
            if part.chars().count() >= SHORTEST_OF_A_CALL && !self.texts.contains(part) {
                self.texts.insert(part.to_owned());
            }
        }
    }

    /// Masks the strings and numbers in a value that have names of secrets, at any depth: a service may repeat what it was sent.
    pub(crate) fn hide_members(&mut self, value: &Val) {
        self.hide_below(value, false);
    }

    fn hide_below(&mut self, value: &Val, is_secret: bool) {
        if self.texts.len() >= MOST_OF_A_CALL {
            return;
        }
        match value {
            Val::Array(_) => value.elements().iter().for_each(|element| self.hide_below(element, is_secret)),
            Val::Object(_) => {
                for (name, member) in value.members() {
                    self.hide_below(member, is_secret || is_secret_member(name));
                }
            }
            Val::Text(text) if is_secret => self.hide(text),
            Val::Int(number) if is_secret => self.hide(&number.to_string()),
            _ => {}
        }
    }

    /// Masks the values of parameters in the query of an address that have names of secrets.
    pub(crate) fn hide_query(&mut self, url: &Url) {
        for (name, value) in url.query_pairs() {
            if is_secret_name(&name) {
                self.hide(&value);
            }
        }
    }

    /// Masks user and password of an address, and the header that the HTTP client makes from them: a service may repeat either.
    pub(crate) fn hide_userinfo(&mut self, url: &Url) {
        let user = percent_decode(url.username());
        let password = url.password().map(percent_decode);
        if user.is_empty() && password.is_none() {
            return;
        }
        self.hide(&basic(&user, password.as_deref().unwrap_or_default()));
        // A name without a password is a token.
        self.hide(password.as_deref().unwrap_or(&user));
    }

    /// The text with `***` in the place of each secret.
    pub(crate) fn apply(&self, text: &str) -> String {
        let own = if self.texts.is_empty() { text.to_owned() } else { Search::of(&self.texts).replace(text) };
        self.process.mask(&own)
    }

    /// The beginning of a text, masked, in at most `most` bytes, and without any part of a secret that the end cuts.
    pub(crate) fn apply_to_beginning(&self, text: &str, most: usize) -> String {
        let search = Search::of(&self.texts);
        let longest = search.longest.max(self.process.0.read().search.longest);
        let is_cut = text.len() > most + longest;
        let beginning = text.get(..text.floor_char_boundary(most + longest)).unwrap_or(text);
        let mut masked = self.process.mask(&search.replace(beginning));
        if is_cut {
            masked.truncate(masked.floor_char_boundary(masked.len().saturating_sub(longest)));
        }
        masked.truncate(masked.floor_char_boundary(most));
        masked
    }
}

/// The password in an address, decoded.
fn password_of(value: &str) -> Option<String> {
    let url = Url::parse(value.trim()).ok()?;
    Some(percent_decode(url.password()?).into_owned())
}

fn is_long_enough(text: &str) -> bool {
    text.chars().count() >= SHORTEST_OF_THE_PROCESS
}

impl Texts {
    fn of(given: BTreeSet<String>) -> Self {
        let search = Search::of(&given);
        Self { given, search }
    }
}

impl Search {
    fn of(texts: &BTreeSet<String>) -> Self {
        let plain: BTreeSet<_> = texts.iter().flat_map(|text| text_forms(text)).collect();
        let base64: BTreeSet<_> = texts.iter().flat_map(|text| base64_forms(text)).collect();
        let first_in_base64 = plain.len();
        let all: Vec<_> = plain.into_iter().chain(base64).collect();
        let longest = all.iter().map(String::len).max().unwrap_or_default();
        // Building the search fails only for more patterns than memory can hold; then no text is masked.
        let forms = if all.is_empty() { None } else { AhoCorasick::new(&all).ok() };
        Self { forms, first_in_base64, longest }
    }

    /// Replaces each range that the forms cover by `***`.
    fn replace(&self, text: &str) -> String {
        let Some(forms) = &self.forms else { return text.to_owned() };
        let mut covered: Vec<Range<usize>> = forms
            .find_overlapping_iter(text)
            .map(|found| match found.pattern().as_usize() < self.first_in_base64 {
                true => found.range(),
                false => base64_around(text.as_bytes(), found.range()),
            })
            .collect();
        if covered.is_empty() {
            return text.to_owned();
        }
        covered.sort_by_key(|range| range.start);
        let (mut masked, mut end) = (String::with_capacity(text.len()), 0);
        for range in covered {
            if range.start > end || masked.is_empty() {
                masked.push_str(text.get(end..range.start).unwrap_or_default());
                masked.push_str("***");
            }
            end = end.max(range.end);
        }
        masked.push_str(text.get(end..).unwrap_or_default());
        masked
    }
}

/// Extends a part of a base64 text to the whole: the characters beside the part hold bits of the secret, and the rest of the text means nothing
/// to people. A slash also separates segments of a path, so only a slash directly beside the part counts.
fn base64_around(text: &[u8], part: Range<usize>) -> Range<usize> {
    fn belonging<'a>(mut beside: impl Iterator<Item = &'a u8> + Clone) -> usize {
        let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_');
        if beside.clone().next() == Some(&b'/') { 1 } else { beside.by_ref().take_while(is_base64).count() }
    }
    let before = text.get(..part.start).unwrap_or_default();
    let after = text.get(part.end..).unwrap_or_default();
    let end = part.end + belonging(after.iter());
    let padding = text.get(end..).unwrap_or_default().iter().take_while(|byte| **byte == b'=').count();
    part.start - belonging(before.iter().rev())..end + padding
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({})", self.texts.len())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn a_mask_hides_credentials_in_every_form() {
        let mut mask = Mask::default();
        mask.hide("Bearer p@ss/word");
        mask.hide("p@ss");
        mask.hide("x");
        mask.hide("a \"quoted\" one");
        assert_eq!(
            mask.apply("Bearer p@ss/word, p@ss/word, p%40ss%2Fword, p@ss, x"),
            "***, ***, ***, ***, x"
        );
        assert_eq!(
            mask.apply(r#"{"m":"a \"quoted\" one"} a+%22quoted%22+one http://u:pw@h/"#),
            r#"{"m":"***"} *** http://h/"#
        );
    }

    #[test]
    fn a_secret_of_the_process_is_hidden_wherever_base64_puts_it() {
        let secrets = Secrets::default();
        secrets.hide("hunter2+/?>");
        for before in ["", "u:", "user:", "name:"] {
            for engine in [&STANDARD, &URL_SAFE_NO_PAD] {
                let encoded = engine.encode(format!("{before}hunter2+/?>"));
                assert_eq!(secrets.mask(&format!("Basic {encoded}, of {encoded}!")), "Basic ***, of ***!");
                let path = secrets.mask(&format!("/some/{encoded}/of"));
                assert!(path.starts_with("/some") && path.ends_with("of"), "{path}");
                let escaped = crate::encoding::percent_encode(&encoded, false);
                let masked = secrets.mask(&format!("?auth={escaped}"));
                assert!(masked.starts_with("?auth=***"), "{masked}");
            }
        }
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_behind() {
        let secrets = Secrets::default();
        secrets.hide("abcdefgh");
        secrets.hide("fghijklm");
        assert_eq!(secrets.mask("-abcdefghijklm-abcdefghabcdefgh-"), "-***-***-");
    }

    #[test]
    fn a_cut_through_a_secret_shows_no_part_of_it() {
        let mut mask = Mask::default();
        mask.hide("0123456789");
        for length in 0..60 {
            let text = format!("{}0123456789{}", "-".repeat(length), "-".repeat(100));
            let shown = mask.apply_to_beginning(&text, 40);
            assert!(shown.len() <= 40 && !shown.contains("01") && !shown.contains("89"), "{length}: {shown}");
        }
        assert_eq!(mask.apply_to_beginning("a 0123456789", 40), "a ***");
    }

    #[test]
    fn the_process_masks_secrets_of_properties_and_those_added_later() {
        let text = "rondo.auth.token=first-token, second-token\nkogito.sw.functions.f.password=hunter2\n\
                    quarkus.oidc-client.o.credentials.secret=abc\nquarkus.rest-client.a.url=http://host\n\
                    quarkus.rest-client.b.url=http://user:in-address@host\n";
        let properties =
            Properties::parse("application.properties", text, rondo_definition::Environment::new()).0;
        let secrets = Secrets::of([&properties]);
        let mask = Mask::new(secrets.clone());
        secrets.hide("told-later");
        secrets.hide("short");
        for shown in [
            secrets.mask("second-token hunter2 told-later abc short http://host in-address"),
            mask.apply("first-token hunter2 told-later abc short http://host in-address"),
        ] {
            assert_eq!(shown, "*** *** *** abc short http://host ***");
        }
    }
}
