//! The properties with addresses, credentials and time limits of services.
//!
//! Owns: the names of those properties, in all their spellings; [`Properties`] handles quoted parts and environment variables. Promises: an empty
//! value counts as absent. Never: caches; a property may change between two calls. Source: `quarkusio/quarkus` 3.15, `RestClientsConfig` and
//! `RestClientBase`; `MicroProfile` Rest Client 3.0, "Configuration Keys".

use std::time::Duration;

use rondo_definition::settings::parse_flag;
use rondo_definition::{Properties, PropertyError};

use crate::key::mangle;
use crate::knative;

/// The value of a property, if it is set and not blank.
pub(crate) fn lookup(properties: &Properties, name: &str) -> Option<String> {
    properties.get(name).filter(|value| !value.trim().is_empty())
}

/// A property in milliseconds; anything but a positive whole number counts as absent.
pub(crate) fn millis(properties: &Properties, name: &str) -> Option<Duration> {
    let value = lookup(properties, name)?.trim().parse::<u64>().ok()?;
    (value > 0).then(|| Duration::from_millis(value))
}

/// A setting of the REST client of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientSetting {
    /// Its name in Quarkus, `read-timeout`. `MicroProfile` calls it `readTimeout`.
    pub(crate) name: &'static str,
    /// Whether `quarkus.rest-client.<name>` sets it for all clients.
    pub(crate) is_global: bool,
}

const fn setting(name: &'static str, is_global: bool) -> ClientSetting {
    ClientSetting { name, is_global }
}

pub(crate) const URI: ClientSetting = setting("uri", false);
pub(crate) const URL: ClientSetting = setting("url", false);
pub(crate) const CONNECT_TIMEOUT: ClientSetting = setting("connect-timeout", true);
pub(crate) const READ_TIMEOUT: ClientSetting = setting("read-timeout", true);
pub(crate) const FOLLOW_REDIRECTS: ClientSetting = setting("follow-redirects", true);
pub(crate) const PROXY_ADDRESS: ClientSetting = setting("proxy-address", true);
pub(crate) const PROXY_USER: ClientSetting = setting("proxy-user", true);
pub(crate) const PROXY_PASSWORD: ClientSetting = setting("proxy-password", true);
pub(crate) const NON_PROXY_HOSTS: ClientSetting = setting("non-proxy-hosts", true);

/// All settings of a client that calls read.
pub(crate) const CLIENT_SETTINGS: [ClientSetting; 9] = [
    URI,
    URL,
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    FOLLOW_REDIRECTS,
    PROXY_ADDRESS,
    PROXY_USER,
    PROXY_PASSWORD,
    NON_PROXY_HOSTS,
];

/// The prefix of the properties of a client in Quarkus, and the part after its name in `MicroProfile`.
pub(crate) const REST_CLIENT: &str = "quarkus.rest-client.";
pub(crate) const MICRO_PROFILE: &str = "/mp-rest/";

/// The prefix of the properties of security schemes.
pub(crate) const GENERATOR: &str = "quarkus.openapi-generator.";

/// The prefix of the properties of `OpenID` Connect clients.
pub(crate) const OIDC_CLIENT: &str = "quarkus.oidc-client.";

/// The security scheme of operations whose document requires none.
pub(crate) const DEFAULT_SCHEME: &str = "quarkus.openapi-generator.codegen.default-security-scheme";

/// Settings of one `OpenAPI` document.
#[derive(Clone, Copy)]
pub(crate) struct ClientSettings<'a> {
    pub(crate) properties: &'a Properties,
    /// The document's key.
    pub(crate) key: &'a str,
    /// Value of the function's `configKey`, which chooses one of several services of the document.
    pub(crate) choice: Option<&'a str>,
}

impl ClientSettings<'_> {
    /// The name of the document's client: its key, unless `quarkus.openapi-generator.codegen.spec.<key>.config-key` sets another one. The
    /// credentials are below the key in either case.
    pub(crate) fn client_key(&self) -> String {
        let renamed = lookup(self.properties, &config_key_property(self.key));
        renamed.map_or_else(|| self.key.to_owned(), |name| name.trim().to_owned())
    }

    /// The name of the client, followed by the choice if there is one.
    pub(crate) fn full_key(&self) -> String {
        self.with_choice(&self.client_key())
    }

    fn with_choice(&self, key: &str) -> String {
        match self.choice {
            None => key.to_owned(),
            Some(choice) => format!("{key}{}{choice}", choice_separator(self.properties)),
        }
    }

    /// The base address; with a choice only that of the choice. Fails if the address is configured by a property or variable that has no value.
    pub(crate) fn base_url(&self) -> Result<Option<String>, PropertyError> {
        let key = self.full_key();
        for setting in [URI, URL] {
            if let Some((_, url)) = self.first_of(self.names(&key, setting))? {
                let url = url.trim().to_owned();
                return Ok(Some(knative::named_address(&url, self.properties).unwrap_or(url)));
            }
        }
        Ok(None)
    }

    /// The property that sets a setting of the client, and its value: for the choice, else for the document, else for all clients.
    pub(crate) fn client(&self, setting: ClientSetting) -> Result<Option<(String, String)>, PropertyError> {
        let (full, key) = (self.full_key(), self.client_key());
        let mut names = self.names(&full, setting);
        if full != key {
            names.extend(self.names(&key, setting));
        }
        if setting.is_global {
            names.push(format!("{REST_CLIENT}{}", setting.name));
        }
        self.first_of(names)
    }

    /// The first property that has a value.
    fn first_of(&self, names: Vec<String>) -> Result<Option<(String, String)>, PropertyError> {
        for name in names {
            if let Some(value) = self.properties.resolve(&name)?.filter(|value| !value.trim().is_empty()) {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// The names of a setting of a client. Those of the class that `SonataFlow` generates for the document come first, as in Quarkus.
    fn names(&self, key: &str, setting: ClientSetting) -> Vec<String> {
        let mut clients = generated_classes(self.properties, self.key);
        clients.push(key.to_owned());
        let names = clients.iter().flat_map(|client| {
            [
                format!("{REST_CLIENT}{client}.{}", setting.name),
                format!("{client}{MICRO_PROFILE}{}", camel_case(setting.name)),
            ]
        });
        names.collect()
    }

    /// A property of a security scheme: for the choice, else for the document.
    pub(crate) fn auth(&self, scheme: &str, name: &str) -> Option<String> {
        self.auth_properties(scheme, name).iter().find_map(|property| lookup(self.properties, property))
    }

    /// Why the configured value of a security scheme is missing: it refers to an unset variable.
    pub(crate) fn auth_problem(&self, scheme: &str, name: &str) -> Option<PropertyError> {
        let mut properties = self.auth_properties(scheme, name).into_iter();
        properties.find_map(|property| self.properties.resolve(&property).err())
    }

    fn auth_properties(&self, scheme: &str, name: &str) -> Vec<String> {
        let mut keys = vec![self.key.to_owned()];
        if self.choice.is_some() {
            keys.insert(0, self.with_choice(self.key));
        }
        let mangled = mangle(self.key);
        if mangled != self.key {
            keys.push(mangled);
        }
        keys.iter().map(|key| format!("{GENERATOR}{key}.auth.{scheme}.{name}")).collect()
    }

    /// Whether a security scheme sends the token of the request that started the instance.
    pub(crate) fn propagates(&self, scheme: &str) -> bool {
        self.auth(scheme, "token-propagation").is_some_and(|value| parse_flag(&value) == Some(true))
    }
}

/// The separator between the name of a client and the value of a `configKey`.
pub(crate) fn choice_separator(properties: &Properties) -> String {
    lookup(properties, "kogito.sw.rest_client.config_key.separator")
        .or_else(|| lookup(properties, "kogito.rest_client.config_key.separator"))
        .unwrap_or_else(|| ".".to_owned())
}

/// The property that renames the client of a document.
pub(crate) fn config_key_property(key: &str) -> String {
    format!("{GENERATOR}codegen.spec.{key}.config-key")
}

/// The package of the classes that `SonataFlow` generates for a document.
pub(crate) fn generated_package(key: &str) -> String {
    format!("org.openapi.quarkus.{}.", mangle(key))
}

/// The generated classes of a document that the properties name. Their last part consists of tags of operations.
fn generated_classes(properties: &Properties, key: &str) -> Vec<String> {
    let package = generated_package(key);
    let quoted = format!("{REST_CLIENT}\"{package}");
    let in_quarkus = properties.keys_with_prefix(&quoted).filter_map(|name| {
        let class = name.strip_prefix(REST_CLIENT)?.strip_prefix('"')?;
        Some(class.split_once('"')?.0.to_owned())
    });
    let in_micro_profile = properties
        .keys_with_prefix(&package)
        .filter_map(|name| Some(name.split_once(MICRO_PROFILE)?.0.to_owned()));
    let mut classes: Vec<String> = in_quarkus.chain(in_micro_profile).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// `read-timeout` as `readTimeout`.
pub(crate) fn camel_case(name: &str) -> String {
    let mut upper = false;
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' => upper = true,
            c if upper => {
                text.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => text.push(c),
        }
    }
    text
}
