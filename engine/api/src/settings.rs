//! What of the configuration concerns HTTP.

use rondo_definition::{Properties, PropertyError, settings};

/// Settings of the HTTP face.
#[derive(Clone)]
pub struct Settings {
    /// Most bytes of a body; more is answered 413. Property `rondo.http.max-body-bytes`.
    pub max_body_bytes: usize,
    /// Most instances in a REST list. Property `kogito.process.instances.limit`.
    pub max_listed: usize,
    /// Bearer tokens one of which every request but health must carry; none: everybody is let in. Property
    /// `rondo.auth.token`, comma separated.
    pub tokens: Vec<String>,
}

impl Settings {
    /// Reads the settings. A property that is there but cannot be read is an error: a token list that silently counts as
    /// absent would open the door.
    pub fn read(properties: &Properties) -> Result<Self, PropertyError> {
        Ok(Self {
            max_body_bytes: settings::MAX_BODY_BYTES.count(properties)?,
            max_listed: settings::MAX_LISTED.count(properties)?,
            tokens: settings::AUTH_TOKEN.tokens(properties)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, PropertyError> {
        Settings::read(
            &Properties::parse("application.properties", text, rondo_definition::Environment::new()).0,
        )
    }

    #[test]
    fn properties_change_the_defaults() {
        let settings = read("rondo.http.max-body-bytes=10\nrondo.auth.token= a , b,\n").unwrap();
        assert_eq!((settings.max_body_bytes, settings.max_listed), (10, 1000));
        assert_eq!(settings.tokens, ["a", "b"]);
        assert!(read("").unwrap().tokens.is_empty());
    }

    #[test]
    fn a_token_that_cannot_be_expanded_does_not_open_the_door() {
        for line in ["rondo.auth.token=${NOT_SET}", "rondo.auth.token=", "rondo.auth.token= , ,"] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read("rondo.http.max-body-bytes=many").is_err());
    }
}
