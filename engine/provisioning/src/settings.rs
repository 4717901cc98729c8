//! The properties of the desk.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rondo_definition::{Properties, PropertyError, settings};
use subtle::ConstantTimeEq;

use crate::model::{Consumer, EventKind, Person, Principal};

/// Somebody who may call the desk.
#[derive(Clone)]
pub(crate) struct User {
    /// Who.
    pub(crate) person: Person,
    /// The token that their requests carry; without one they only get mails.
    token: Option<String>,
    /// Where they get mails.
    email: Option<String>,
}

/// Where mails are handed in.
#[derive(Clone)]
pub(crate) struct MailService {
    /// Its address; mails go to `/email` below it.
    pub(crate) url: String,
    /// Its token.
    pub(crate) token: Option<String>,
    /// Who sends the mails.
    pub(crate) from: Option<String>,
    /// The domain of people without an address.
    pub(crate) domain: Option<String>,
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
    /// The pause between two looks at undecided tickets.
    pub(crate) poll_interval: Duration,
}

/// How often tickets are looked at: soon where nothing tells of them, else only in case that a webhook is lost.
const POLL_INTERVAL: Duration = Duration::from_secs(15);
const POLL_INTERVAL_BESIDE_HOOK: Duration = Duration::from_mins(5);

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
    /// Where GitHub's interface is.
    pub(crate) github_url: String,
    /// Tokens of users for other services, by user and service.
    user_tokens: BTreeMap<(String, String), String>,
    /// Mails; `None` when none are sent.
    pub(crate) mail: Option<MailService>,
    /// Whether webhooks may go to `http` addresses.
    pub(crate) allows_http: bool,
    /// Whether webhooks may go to loopback addresses.
    pub(crate) allows_loopback: bool,
    /// Who gets events by a channel of their own.
    pub(crate) consumers: Vec<Consumer>,
    /// How many times faster durations pass.
    pub(crate) clock_speed: u32,
}

impl Settings {
    /// Reads the properties, beside the address at which people reach the engine. The error names the one that is wrong.
    pub fn read(properties: &Properties, service_url: &str) -> Result<Self, PropertyError> {
        let engine_tokens = settings::AUTH_TOKEN.tokens(properties)?.into_iter();
        Ok(Self {
            users: users(properties),
            user_tokens: user_tokens(properties),
            // A name may stand before a token.
            engine_tokens: engine_tokens
                .map(|token| token.split_once(':').map_or(token.clone(), |(_, secret)| secret.to_owned()))
                .collect(),
            flow_token: settings::DESK_TOKEN.text(properties)?.filter(|token| !token.is_empty()),
            service_url: service_url.trim_end_matches('/').to_owned(),
            github_url: settings::DESK_GITHUB_URL
                .text(properties)?
                .unwrap_or_else(|| settings::DESK_GITHUB_URL.default.to_owned()),
            tickets: tickets(properties)?,
            mail: mail_service(properties)?,
            allows_http: settings::DESK_ALLOW_HTTP.flag(properties)?,
            allows_loopback: settings::DESK_ALLOW_LOOPBACK.flag(properties)?,
            consumers: consumers(properties)?,
            clock_speed: settings::CLOCK_SPEED.count(properties)?,
        })
    }

    /// Whether nobody is configured, so that everybody is admin.
    pub(crate) fn is_open(&self) -> bool {
        self.users.is_empty() && self.engine_tokens.is_empty()
    }

    /// Whether people are configured, and none of them can call: a token may be missing that was meant.
    pub(crate) fn is_closed(&self) -> bool {
        !self.users.is_empty()
            && self.users.iter().all(|user| user.token.is_none())
            && self.engine_tokens.is_empty()
    }

    /// Who has a token; `None` when nobody has. Where nobody is configured, everybody is admin.
    pub(crate) fn caller(&self, token: Option<&str>) -> Option<Person> {
        if self.is_open() {
            return Some(Person { roles: vec!["admin".to_owned()], ..Person::named("admin") });
        }
        let given = token?.as_bytes();
        let is = |own: &str| bool::from(own.as_bytes().ct_eq(given));
        // All are compared, so that the time does not tell which one was close.
        let user = self.users.iter().fold(None, |found, user| {
            if user.token.as_deref().is_some_and(is) { Some(&user.person) } else { found }
        });
        let own = self.engine_tokens.iter().chain(&self.flow_token);
        let is_engine = own.fold(false, |found, own| found | is(own));
        match user {
            Some(person) => Some(person.clone()),
            None => is_engine.then(|| Person {
                roles: vec!["admin".to_owned(), "service".to_owned()],
                ..Person::named("engine")
            }),
        }
    }

    /// The token of a user for a service: `github`, or the name of a cluster.
    pub(crate) fn user_token(&self, user: &str, service: &str) -> Option<String> {
        self.user_tokens.get(&(Principal::parse(user).to_string(), service.to_owned())).cloned()
    }

    /// What is known of somebody by name: a user of the desk with roles and groups, or a name alone.
    pub(crate) fn person(&self, name: &str) -> Person {
        let reference = Principal::parse(name).to_string();
        let mut known = self.users.iter().map(|user| &user.person);
        known.find(|person| person.reference == reference).cloned().unwrap_or_else(|| Person::named(name))
    }

    /// The people that entries of a list mean, each once, in the order of the list: users by their names, groups and roles by those who are
    /// configured with them. Nobody is meant by `everyone`.
    pub(crate) fn people(&self, entries: &[String]) -> Vec<String> {
        let mut people = Vec::new();
        for entry in entries {
            let principal = Principal::parse(entry);
            let meant: Vec<String> = match &principal {
                Principal::Everyone => Vec::new(),
                Principal::User(_) => vec![principal.to_string()],
                Principal::Role(_) | Principal::Group(_) => {
                    let people =
                        self.users.iter().map(|user| &user.person).filter(|person| person.is(&principal));
                    people.map(|person| person.reference.clone()).collect()
                }
            };
            for reference in meant {
                if !people.contains(&reference) {
                    people.push(reference);
                }
            }
        }
        people
    }

    /// Where a person gets mails: at the configured address; else the name is one, or is one in the configured domain; else the name is
    /// left to the mail service.
    pub(crate) fn address(&self, reference: &str) -> String {
        let known = self.users.iter().find(|user| user.person.reference == reference);
        if let Some(email) = known.and_then(|user| user.email.as_ref()) {
            return email.clone();
        }
        let name = reference.rsplit_once('/').map_or(reference, |(_, name)| name);
        match self.mail.as_ref().and_then(|mail| mail.domain.as_ref()) {
            Some(domain) if !name.contains('@') => format!("{name}@{}", domain.trim_start_matches('@')),
            _ => name.to_owned(),
        }
    }
}

/// What the properties of consumers begin with.
const CONSUMERS: &str = "rondo.desk.events.";

/// The usual consumers, and those in `rondo.desk.events.<consumer>`, which may be usual ones with other types.
fn consumers(properties: &Properties) -> Result<Vec<Consumer>, PropertyError> {
    let mut consumers = Consumer::usual();
    for key in properties.keys_with_prefix(CONSUMERS) {
        let Some(name) = key.strip_prefix(CONSUMERS).filter(|name| !name.is_empty()) else { continue };
        let list = properties.get(key).unwrap_or_default();
        let consumer = Consumer::configured(name, &list).map_err(|unknown| {
            let known = EventKind::ALL.map(EventKind::name).join(", ");
            let expected = format!("a list of types of events: `{unknown}` is none of {known}");
            PropertyError::Type { key: key.to_owned(), expected: expected.into() }
        })?;
        consumers.retain(|usual| usual.name != name);
        consumers.push(consumer);
    }
    Ok(consumers)
}

/// What properties of users begin with.
const PREFIX: &str = "rondo.desk.users.";

/// The tokens in `rondo.desk.users.<name>.tokens.<service>`.
fn user_tokens(properties: &Properties) -> BTreeMap<(String, String), String> {
    let tokens = properties.keys_with_prefix(PREFIX).filter_map(|key| {
        let (name, service) = key.strip_prefix(PREFIX)?.split_once(".tokens.")?;
        let token = properties.get(key).filter(|token| !token.trim().is_empty())?;
        Some((
            (Principal::parse(name.trim_matches('"')).to_string(), service.to_owned()),
            token.trim().to_owned(),
        ))
    });
    tokens.collect()
}

fn tickets(properties: &Properties) -> Result<Option<Tickets>, PropertyError> {
    let Some(url) = settings::DESK_GITLAB_URL.text(properties)? else { return Ok(None) };
    let hook_token = settings::DESK_GITLAB_HOOK_TOKEN.text(properties)?;
    let poll_interval = match settings::DESK_GITLAB_POLL.text(properties)? {
        Some(_) => settings::DESK_GITLAB_POLL.duration(properties)?,
        None if hook_token.is_some() => POLL_INTERVAL_BESIDE_HOOK,
        None => POLL_INTERVAL,
    };
    Ok(Some(Tickets {
        url,
        token: settings::DESK_GITLAB_TOKEN.text(properties)?.unwrap_or_default(),
        hook_token,
        project: settings::DESK_GITLAB_PROJECT.text(properties)?,
        poll_interval,
    }))
}

fn mail_service(properties: &Properties) -> Result<Option<MailService>, PropertyError> {
    let Some(url) = settings::DESK_MAIL_URL.text(properties)? else { return Ok(None) };
    Ok(Some(MailService {
        url,
        token: settings::DESK_MAIL_TOKEN.text(properties)?,
        from: settings::DESK_MAIL_FROM.text(properties)?,
        domain: settings::DESK_MAIL_DOMAIN.text(properties)?,
    }))
}

/// The users, by the names in `rondo.desk.users.<name>.…`. One without a token cannot call, but be told and decide by a link.
fn users(properties: &Properties) -> Vec<User> {
    let names = properties.keys_with_prefix(PREFIX).filter_map(|key| {
        let rest = key.strip_prefix(PREFIX)?;
        rest.split_once(".tokens.").or_else(|| rest.rsplit_once('.')).map(|(name, _)| name)
    });
    let names: BTreeSet<&str> = names.collect();
    let text = |name: &str, what: &str| {
        let value = properties.get(&format!("{PREFIX}{name}.{what}")).unwrap_or_default();
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let list = |name: &str, what: &str| {
        let value = text(name, what).unwrap_or_default();
        value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let users = names.into_iter().map(|name| {
        let groups = list(name, "groups");
        let groups = groups.iter().map(|group| {
            Principal::parse(&format!("group:{}", group.trim_start_matches("group:"))).to_string()
        });
        let person = Person {
            roles: list(name, "roles"),
            groups: groups.collect(),
            ..Person::named(name.trim_matches('"'))
        };
        User { person, token: text(name, "token"), email: text(name, "email") }
    });
    users.collect()
}
