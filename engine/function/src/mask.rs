//! Keeps secrets out of everything people read.
//!
//! Owns: [`Mask`], the secrets of one call, and [`Secrets`], those of the process. Promises: every occurrence of a masked
//! text is replaced, also in the forms that it takes in URLs, forms and JSON; URLs lose their `user:password@`.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use rondo_definition::settings::{self, Kind};
use rondo_definition::{Properties, without_userinfo};

use crate::encoding::{form_encode, percent_encode};

/// The secrets of the process: those that properties hold, and those that expressions have read. Clones share one list.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Texts>>);

/// The secrets of one call, and those of the process.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    texts: Texts,
    process: Secrets,
}

/// The texts to mask.
#[derive(Clone, Default)]
struct Texts {
    /// As they were given; a text that is here is not added again.
    given: Vec<String>,
    /// In all their forms, longest first.
    forms: Vec<String>,
}

/// A shorter text of a call is not masked: replacing every `a` destroys the message and shows that the secret is `a`.
const SHORTEST_OF_A_CALL: usize = 3;

/// The same for the process. It is longer, because these texts are masked in every message, and many values that `$SECRET`
/// reads are no secrets (`true`, `8080`).
const SHORTEST_OF_THE_PROCESS: usize = 6;

/// Words in the name of a property that holds a secret.
const CONFIDENTIAL: [&str; 14] = [
    "apikey",
    "bearer",
    "credential",
    "credentials",
    "key",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "private",
    "pwd",
    "secret",
    "secrets",
    "token",
];

/// Last words in the name of a property that holds the place of something instead: `token-path`, `private.key.file`.
const PLACES: [&str; 2] = ["file", "path"];

/// Whether a property holds a secret, by its meaning or its name. Reading it through `$SECRET` is no sign: flows read
/// addresses and names of templates that way too, and messages must show those.
pub fn is_confidential(name: &str) -> bool {
    if let Some(setting) = settings::find(name) {
        return matches!(setting.kind, Kind::Secret | Kind::Tokens);
    }
    let is = |word: &str, known: &[&str]| known.contains(&word.to_ascii_lowercase().as_str());
    let is_place = words(name).last().is_some_and(|word| is(word, &PLACES));
    !is_place && words(name).any(|word| is(word, &CONFIDENTIAL))
}

/// The words of a name, as in `my.api-key`, `MY_API_KEY`, `myApiKey`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|part| {
        let all_upper = !part.contains(|c: char| c.is_ascii_lowercase());
        let starts =
            part.char_indices().filter(move |(at, c)| *at > 0 && !all_upper && c.is_ascii_uppercase());
        let ends = starts.map(|(at, _)| at).chain([part.len()]);
        ends.scan(0, |from, to| part.get(std::mem::replace(from, to)..to))
    })
}

impl Secrets {
    /// The secrets that properties hold.
    pub fn of(properties: &Properties) -> Self {
        let secrets = Self::default();
        for key in properties.keys_with_prefix("") {
            if is_confidential(key) {
                secrets.hide(&properties.get(key).unwrap_or_default());
            }
        }
        for token in settings::AUTH_TOKEN.tokens(properties).unwrap_or_default() {
            secrets.hide(&token);
            // `NAME:TOKEN`
            secrets.hide(token.split_once(':').map_or("", |(_, secret)| secret));
        }
        secrets
    }

    /// Hides a text from now on, unless it is so short that it occurs in other words by chance.
    pub fn hide(&self, text: &str) {
        let text = text.trim();
        let known = self.0.read().knows(text);
        if !known && text.chars().count() >= SHORTEST_OF_THE_PROCESS {
            self.0.write().add(text);
        }
    }

    /// The text as people may see it.
    pub fn mask(&self, text: &str) -> String {
        let masked = self.0.read().apply(text);
        without_userinfo(&masked).into_owned()
    }
}

impl Mask {
    /// A mask that hides the secrets of the process, so far.
    pub(crate) fn new(process: Secrets) -> Self {
        Self { texts: Texts::default(), process }
    }

    /// Hides a text from now on. Of a header value such as `Bearer abc` the credential itself is hidden too.
    pub(crate) fn hide(&mut self, text: &str) {
        for part in [text, text.split_once(' ').map_or("", |(_, credential)| credential.trim())] {
            if part.chars().count() >= SHORTEST_OF_A_CALL && !self.texts.knows(part) {
                self.texts.add(part);
            }
        }
    }

    /// The text with `***` in the place of each secret.
    pub(crate) fn apply(&self, text: &str) -> String {
        self.process.mask(&self.texts.apply(text))
    }
}

impl Texts {
    fn knows(&self, text: &str) -> bool {
        self.given.iter().any(|known| known == text)
    }

    fn add(&mut self, text: &str) {
        self.given.push(text.to_owned());
        let in_json = serde_json::Value::from(text).to_string();
        let in_json = in_json.trim_matches('"').to_owned();
        for form in [text.to_owned(), percent_encode(text, false), form_encode(text), in_json] {
            if !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
        // Longest first, so that no rest of a long secret is left behind by a short one inside it.
        self.forms.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    fn apply(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |masked, secret| {
            if masked.contains(secret.as_str()) { masked.replace(secret.as_str(), "***") } else { masked }
        })
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({})", self.texts.given.len())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
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
    fn the_name_of_a_property_shows_whether_it_holds_a_secret() {
        for (name, confidential) in [
            ("quarkus.oidc-client.o.credentials.secret", true),
            ("kogito.sw.functions.f.password", true),
            ("ghToken", true),
            ("QUAY_PASSWORD", true),
            ("hidden_key", true),
            ("my.service.api-key", true),
            ("kogito.sw.rest_client.config_key.separator", false),
            ("software_template_ref", false),
            ("jira_label_workflowName", false),
            ("keyboard", false),
            ("monkey.url", false),
            ("quarkus.oidc-client.o.token-path", false),
        ] {
            assert_eq!(is_confidential(name), confidential, "{name}");
        }
    }

    #[test]
    fn the_process_masks_secrets_of_properties_and_those_added_later() {
        let text = "rondo.auth.token=first-token, second-token\nkogito.sw.functions.f.password=hunter2\n\
                    quarkus.oidc-client.o.credentials.secret=abc\nquarkus.rest-client.a.url=http://host\n";
        let properties =
            Properties::parse("application.properties", text, rondo_definition::Environment::new()).0;
        let secrets = Secrets::of(&properties);
        let mask = Mask::new(secrets.clone());
        secrets.hide("told-later");
        secrets.hide("short");
        for shown in [
            secrets.mask("second-token hunter2 told-later abc short http://host"),
            mask.apply("first-token hunter2 told-later abc short http://host"),
        ] {
            assert_eq!(shown, "*** *** *** abc short http://host");
        }
    }
}
