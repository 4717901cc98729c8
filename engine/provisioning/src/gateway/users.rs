//! Services that are called in the name of a user, with the token that they linked.
//!
//! Promises: a token goes only to the service that it is for; an instance that works on a request of the desk gets it for the people of that
//! request alone. A flow that works on none is trusted with all of them, as it is with the desk. Never: shows a token.

use sha2::{Digest, Sha256};

use super::{
    exchange::Reached,
    github::{GitHub, SERVICE},
    provider::Place,
};
use crate::{
    Desk,
    model::{Capacity, Cluster, Health, Principal},
    refusal::Refusal,
    tables,
};

/// What the breaker of the service is kept under. No cluster is called so: their names have no slash.
const GUARD: &str = "users/github";

/// Where people make tokens of GitHub.
const GITHUB_TOKENS: &str = "https://github.com/settings/tokens";

/// Addresses that mean GitHub, besides the configured one.
const GITHUB_HOSTS: [&str; 2] = ["github.com", "api.github.com"];

/// A service that a user can link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linkable {
    /// `github`, or the name of a cluster.
    pub(crate) name: String,
    /// Where a user gets a token of it.
    pub(crate) link: String,
}

impl Desk {
    /// The service that is meant by an address or a name: GitHub, or a cluster. `None` for anything else.
    pub(crate) async fn linkable(&self, text: &str) -> Result<Option<Linkable>, Refusal> {
        let host = |text: &str| {
            url::Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase))
        };
        let given = host(text);
        let own = host(&self.0.settings.github_url);
        let is_github = text.eq_ignore_ascii_case(SERVICE)
            || given.as_deref().is_some_and(|host| GITHUB_HOSTS.contains(&host))
            || given.is_some() && given == own;
        if is_github {
            return Ok(Some(Linkable { name: SERVICE.to_owned(), link: GITHUB_TOKENS.to_owned() }));
        }
        let clusters = self.read(|connection| Ok(tables::clusters::all(connection)?)).await?;
        let trimmed = text.trim_end_matches('/');
        let is_at = |url: &Option<String>| {
            let Some(url) = url.as_deref().map(|url| url.trim_end_matches('/')) else { return false };
            !url.is_empty()
                && trimmed.strip_prefix(url).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = clusters
            .into_iter()
            .find(|cluster| cluster.name == text || is_at(&cluster.api_url) || is_at(&cluster.console_url));
        Ok(found.map(|cluster| Linkable {
            link: cluster.console_url.or(cluster.api_url).unwrap_or_default(),
            name: cluster.name,
        }))
    }

    /// The clusters that a user has linked.
    pub(crate) async fn clusters_of_user(&self, user: &str) -> Result<Vec<Cluster>, Refusal> {
        let clusters = self.read(|connection| Ok(tables::clusters::all(connection)?)).await?;
        let is_linked = |cluster: &Cluster| self.0.settings.user_token(user, &cluster.name).is_some();
        Ok(clusters.into_iter().filter(is_linked).collect())
    }

    /// GitHub with the token of a user, for a call of an instance.
    pub(super) async fn reach_github(&self, user: &str, instance: Option<&str>) -> Result<Reached, Refusal> {
        let person = Principal::parse(user);
        if let Some(request) = self.request_of(instance).await? {
            let is_theirs = |name: &str| Principal::parse(name) == person;
            if !is_theirs(&request.asked.requester) && !request.asked.owner.as_deref().is_some_and(is_theirs)
            {
                let message = format!("the token of {user} is for flows that work for {user}");
                return Err(Refusal::forbidden(message));
            }
        }
        let settings = &self.0.settings;
        let token = settings
            .user_token(user, SERVICE)
            .ok_or_else(|| Refusal::link_account(user, SERVICE, GITHUB_TOKENS))?;
        let cluster = Cluster {
            name: GUARD.to_owned(),
            kind: SERVICE.to_owned(),
            region: String::new(),
            near: Vec::new(),
            api_url: Some(settings.github_url.clone()),
            console_url: None,
            enabled: true,
            default: false,
            health: Health::Online,
            capacity: Capacity::default(),
            settings: serde_json::Map::new(),
        };
        let mut fingerprint = Sha256::new();
        for part in [settings.github_url.as_str(), person.to_string().as_str(), token.as_str()] {
            fingerprint.update((part.len() as u64).to_le_bytes());
            fingerprint.update(part);
        }
        let credentials = serde_json::Map::from_iter([("token".to_owned(), token.into())]);
        Ok(Reached {
            place: Place::new(cluster, credentials),
            provider: &GitHub,
            guard: self.0.gateway.guard(GUARD, settings.clock_speed),
            fingerprint: fingerprint.finalize().to_vec(),
        })
    }
}
