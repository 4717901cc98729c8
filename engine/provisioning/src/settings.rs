//! The properties of the desk.

use std::collections::BTreeMap;

use rondo_definition::{Properties, PropertyError, settings};
use subtle::ConstantTimeEq;

use crate::model::{Person, Principal};

/// Somebody who may call the desk.
#[derive(Clone)]
pub(crate) struct User {
    /// Who.
    pub(crate) person: Person,
    /// The token that their requests carry.
    token: String,
}

/// The tickets of approvals.
#[derive(Clone)]
pub(crate) struct Tickets {
    /// Where GitLab is.
    pub(crate) url: String,
    /// Its token.
    pub(crate) token: String,
    /// What its webhook sends as `X-Gitlab-Token`.
    pub(crate) hook_token: Option<String>,
    /// The project of tickets that name none.
    pub(crate) project: Option<String>,
}

/// What is configured of the desk.
#[derive(Clone)]
pub struct Settings {
    /// Its users.
    pub(crate) users: Vec<User>,
    /// The tokens of the engine, whose holders are admins.
    pub(crate) engine_tokens: Vec<String>,
    /// The token with which flows call.
    pub(crate) flow_token: Option<String>,
    /// Base of links to the desk.
    pub(crate) service_url: String,
    /// Tickets; `None` when there is no GitLab.
    pub(crate) tickets: Option<Tickets>,
    /// Whether webhooks may go to `http` addresses.
    pub(crate) allows_http: bool,
    /// Whether webhooks may go to loopback addresses.
    pub(crate) allows_loopback: bool,
    /// How many times faster durations pass.
    pub(crate) clock_speed: u32,
}

impl Settings {
    /// Reads the properties, beside the address at which people reach the engine. The error names the one that is wrong.
    pub fn read(properties: &Properties, service_url: &str) -> Result<Self, PropertyError> {
        let tickets = match settings::DESK_GITLAB_URL.text(properties)? {
            None => None,
            Some(url) => Some(Tickets {
                url,
                token: settings::DESK_GITLAB_TOKEN.text(properties)?.unwrap_or_default(),
                hook_token: settings::DESK_GITLAB_HOOK_TOKEN.text(properties)?,
                project: settings::DESK_GITLAB_PROJECT.text(properties)?,
            }),
        };
        let engine_tokens = settings::AUTH_TOKEN.tokens(properties)?.into_iter();
        Ok(Self {
            users: users(properties),
            // A name may stand before a token.
            engine_tokens: engine_tokens.map(|token| token.split_once(':').map_or(token.clone(), |(_, secret)| secret.to_owned())).collect(),
            flow_token: settings::DESK_TOKEN.text(properties)?.filter(|token| !token.is_empty()),
            service_url: service_url.trim_end_matches('/').to_owned(),
            tickets,
            allows_http: settings::DESK_ALLOW_HTTP.flag(properties)?,
            allows_loopback: settings::DESK_ALLOW_LOOPBACK.flag(properties)?,
            clock_speed: settings::CLOCK_SPEED.count(properties)?,
        })
    }

    /// Whether nobody is configured, so that everybody is admin.
    pub(crate) fn is_open(&self) -> bool {
        self.users.is_empty() && self.engine_tokens.is_empty()
    }

    /// Who has a token; `None` when nobody has. Where nobody is configured, everybody is admin.
    pub(crate) fn caller(&self, token: Option<&str>) -> Option<Person> {
        if self.is_open() {
            return Some(Person { roles: vec!["admin".to_owned()], ..Person::named("admin") });
        }
        let given = token?.as_bytes();
        let is = |own: &str| bool::from(own.as_bytes().ct_eq(given));
        // All are compared, so that the time does not tell which one was close.
        let user = self.users.iter().fold(None, |found, user| if is(&user.token) { Some(&user.person) } else { found });
        let own = self.engine_tokens.iter().chain(&self.flow_token);
        let is_engine = own.fold(false, |found, own| found | is(own));
        match user {
            Some(person) => Some(person.clone()),
            None => is_engine.then(|| Person { roles: vec!["admin".to_owned(), "service".to_owned()], ..Person::named("engine") }),
        }
    }

    /// What is known of somebody by name: a user of the desk with roles and groups, or a name alone.
    pub(crate) fn person(&self, name: &str) -> Person {
        let reference = Principal::parse(name).to_string();
        let mut known = self.users.iter().map(|user| &user.person);
        known.find(|person| person.reference == reference).cloned().unwrap_or_else(|| Person::named(name))
    }
}

/// The users, by the names in `rondo.desk.users.<name>.token`.
fn users(properties: &Properties) -> Vec<User> {
    const PREFIX: &str = "rondo.desk.users.";
    let names = properties.keys_with_prefix(PREFIX).filter_map(|key| key.strip_prefix(PREFIX)?.rsplit_once('.')).map(|(name, _)| name);
    let names: BTreeMap<&str, ()> = names.map(|name| (name, ())).collect();
    let list = |name: &str, what: &str| {
        let value = properties.get(&format!("{PREFIX}{name}.{what}")).unwrap_or_default();
        value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let users = names.into_keys().filter_map(|name| {
        let token = properties.get(&format!("{PREFIX}{name}.token")).map(|token| token.trim().to_owned())?;
        let groups = list(name, "groups").iter().map(|group| Principal::parse(&format!("group:{}", group.trim_start_matches("group:"))).to_string()).collect();
        let person = Person { roles: list(name, "roles"), groups, ..Person::named(name.trim_matches('"')) };
        (!token.is_empty()).then_some(User { person, token })
    });
    users.collect()
}
