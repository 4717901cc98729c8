//! Approval rules: which requests wait for people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Amount, NewRequest};

/// A rule. A condition that is absent holds; a minimum holds at or above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    /// Name for people.
    pub(crate) name: String,
    /// The pool it is for; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<String>,
    /// Whether it counts.
    #[serde(default = "yes")]
    pub(crate) active: bool,
    /// Which comes first: the greater.
    pub(crate) priority: i64,
    /// Whether all minimums must hold, or one of them is enough.
    #[serde(default, rename = "match")]
    pub(crate) matching: Matching,
    /// Least cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_cpu: Option<Amount>,
    /// Least memory in GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_memory: Option<Amount>,
    /// Least storage in GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_storage: Option<Amount>,
    /// Types of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) types: Option<Vec<String>>,
    /// Regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) regions: Option<Vec<String>>,
    /// Providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) providers: Option<Vec<String>>,
    /// Who decides; absent: those who may modify the pool.
    #[serde(default)]
    pub(crate) approvers: Vec<String>,
    /// How long they have: a duration or a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<String>,
    /// Whether the requester may not decide.
    #[serde(default = "yes")]
    pub(crate) four_eyes: bool,
    /// When it was made; of two alike the older comes first.
    #[serde(default)]
    pub(crate) created_at: Timestamp,
}

fn yes() -> bool {
    true
}

/// How the minimums of a rule are taken together. Types, regions and providers must hold in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Matching {
    /// Each given one must hold.
    #[default]
    All,
    /// One is enough.
    Any,
}

impl Rule {
    /// Whether the rule holds a request.
    pub(crate) fn holds(&self, request: &NewRequest) -> bool {
        let names = |list: &Option<Vec<String>>, name: Option<&str>| {
            list.as_ref().is_none_or(|list| name.is_some_and(|name| list.iter().any(|own| own == name)))
        };
        let resources = &request.resources;
        let minimums = [
            (self.min_cpu, resources.cpu),
            (self.min_memory, resources.memory),
            (self.min_storage, resources.storage),
        ];
        let mut given = minimums.into_iter().filter_map(|(least, asked)| Some(asked >= least?)).peekable();
        let is_large = match self.matching {
            Matching::Any if given.peek().is_some() => given.any(|holds| holds),
            _ => given.all(|holds| holds),
        };
        self.active
            && self.pool.as_ref().is_none_or(|pool| *pool == request.pool)
            && is_large
            && names(&self.types, Some(&request.kind))
            && names(&self.regions, request.region.as_deref())
            && names(&self.providers, Some(&request.provider))
    }

    /// Of several rules the one that decides: higher priority first, that of a pool before one for all, then the oldest.
    pub(crate) fn first<'r>(
        rules: impl Iterator<Item = &'r (String, Self)>,
        request: &NewRequest,
    ) -> Option<&'r (String, Self)> {
        rules
            .filter(|(_, rule)| rule.holds(request))
            .min_by_key(|(_, rule)| (std::cmp::Reverse(rule.priority), rule.pool.is_none(), rule.created_at))
    }
}
