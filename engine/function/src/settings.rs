//! The properties that hold addresses, credentials and time limits of services.
//!
//! Owns: the names of those properties; [`Properties`] takes care of quoted parts and environment variables. Promises: an empty value counts as absent.
//! Never: caches; a property may change between two calls.

use std::time::Duration;

use rondo_definition::{Properties, PropertyError};

use crate::key::mangle;
use crate::knative;

/// A property that has a value.
pub(crate) fn lookup(properties: &Properties, name: &str) -> Option<String> {
    properties.get(name).filter(|value| !value.trim().is_empty())
}

/// A property in milliseconds; anything but a positive whole number counts as absent.
pub(crate) fn millis(properties: &Properties, name: &str) -> Option<Duration> {
    let value = lookup(properties, name)?.trim().parse::<u64>().ok()?;
    (value > 0).then(|| Duration::from_millis(value))
}

/// Settings of one `OpenAPI` document.
#[derive(Clone, Copy)]
pub(crate) struct ClientSettings<'a> {
    pub(crate) properties: &'a Properties,
    /// The document's key.
    pub(crate) key: &'a str,
    /// Value of the function's `configKey`: which of several services of that document.
    pub(crate) choice: Option<&'a str>,
}

impl ClientSettings<'_> {
    /// The key, with the choice if there is one.
    pub(crate) fn full_key(&self) -> String {
        match self.choice {
            None => self.key.to_owned(),
            Some(choice) => {
                let separator = lookup(self.properties, "kogito.sw.rest_client.config_key.separator")
                    .or_else(|| lookup(self.properties, "kogito.rest_client.config_key.separator"));
                format!("{}{}{choice}", self.key, separator.as_deref().unwrap_or("."))
            }
        }
    }

    /// The base address. With a choice it must be that of the choice. An error when it is configured, but by way of a
    /// property or variable that has no value.
    pub(crate) fn base_url(&self) -> Result<Option<String>, PropertyError> {
        let key = self.full_key();
        for name in [
            format!("quarkus.rest-client.{key}.url"),
            format!("quarkus.rest-client.{key}.uri"),
            format!("{key}/mp-rest/url"),
        ] {
            let value = self.properties.resolve(&name)?.map(|url| url.trim().to_owned());
            let value = value.map(|url| knative::named_address(&url, self.properties).unwrap_or(url));
            if value.as_ref().is_some_and(|url| !url.is_empty()) {
                return Ok(value);
            }
        }
        Ok(None)
    }

    /// A time limit: of the choice, else of the document.
    pub(crate) fn timeout(&self, name: &str) -> Option<Duration> {
        let value = self.rest_client(&self.full_key(), name).or_else(|| self.rest_client(self.key, name))?;
        value.trim().parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis)
    }

    fn rest_client(&self, key: &str, name: &str) -> Option<String> {
        lookup(self.properties, &format!("quarkus.rest-client.{key}.{name}"))
    }

    /// A property of a security scheme: of the choice, else of the document.
    pub(crate) fn auth(&self, scheme: &str, name: &str) -> Option<String> {
        self.auth_properties(scheme, name).iter().find_map(|property| lookup(self.properties, property))
    }

    /// Why the configured value of a security scheme is missing: it refers to a variable that is not set.
    pub(crate) fn auth_problem(&self, scheme: &str, name: &str) -> Option<PropertyError> {
        let mut properties = self.auth_properties(scheme, name).into_iter();
        properties.find_map(|property| self.properties.resolve(&property).err())
    }

    fn auth_properties(&self, scheme: &str, name: &str) -> Vec<String> {
        let mut keys = vec![self.key.to_owned()];
        if self.choice.is_some() {
            keys.insert(0, self.full_key());
        }
        let mangled = mangle(self.key);
        if mangled != self.key {
            keys.push(mangled);
        }
        keys.iter().map(|key| format!("quarkus.openapi-generator.{key}.auth.{scheme}.{name}")).collect()
    }

    /// A property of the `OpenID` Connect client of a security scheme.
    pub(crate) fn oidc(&self, scheme: &str, name: &str) -> Option<String> {
        lookup(self.properties, &format!("quarkus.oidc-client.{scheme}.{name}"))
    }
}
