//! Pools: where things are counted and decided.

use serde::{Deserialize, Serialize};

use super::{Person, Principal, Quota};

/// A pool: a tenant, an organization, a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pool {
    /// What it stands for: `tenant`, `organization`, `space`, `pool`.
    #[serde(default = "pool")]
    pub(crate) kind: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Whether anything may be asked of it.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// How much it may have; `None` is unlimited.
    #[serde(default)]
    pub(crate) quota: Option<Quota>,
    /// Who may do what.
    #[serde(default)]
    pub(crate) grants: Vec<Grant>,
}

fn pool() -> String {
    "pool".to_owned()
}

fn yes() -> bool {
    true
}

/// What somebody may do in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// Who: an entry that [`Principal::parse`] reads.
    pub(crate) to: String,
    /// What.
    pub(crate) actions: Vec<Action>,
}

/// Something that a grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// To make requests.
    Create,
    /// To make requests that somebody with [`Action::Modify`] approves.
    CreateWithApproval,
    /// To decide approvals.
    Modify,
    /// To own a space.
    Manage,
    /// To work in a space.
    Contribute,
}

impl Action {
    /// Its name, as grants write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::CreateWithApproval => "create_with_approval",
            Self::Modify => "modify",
            Self::Manage => "manage",
            Self::Contribute => "contribute",
        }
    }
}

/// Whether somebody may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// Yes.
    Allowed,
    /// Yes, when one of the approvers agrees.
    NeedsApproval,
    /// No.
    Refused,
}

/// The answer of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Authorization {
    /// Yes, or no.
    pub(crate) outcome: Outcome,
    /// Who may approve.
    pub(crate) approvers: Vec<String>,
    /// Why.
    pub(crate) reason: String,
}

impl Pool {
    /// Whether a person may do something in the pool called `id`.
    pub(crate) fn authorize(&self, id: &str, person: &Person, action: Action) -> Authorization {
        let answer = |outcome, reason: String| Authorization { outcome, approvers: Vec::new(), reason };
        if !self.enabled {
            return answer(Outcome::Refused, format!("the pool `{id}` is disabled"));
        }
        if person.is_admin() || self.grants_to(person, action) {
            return answer(Outcome::Allowed, "granted".to_owned());
        }
        if action == Action::Create && self.grants_to(person, Action::CreateWithApproval) {
            let approvers = self.holders(Action::Modify);
            if approvers.is_empty() {
                let reason = format!("the pool `{id}` wants an approval, and nobody in it may give one");
                return answer(Outcome::Refused, reason);
            }
            return Authorization {
                outcome: Outcome::NeedsApproval,
                approvers,
                reason: "granted with approval".to_owned(),
            };
        }
        answer(Outcome::Refused, format!("{} has no grant in the pool `{id}` for this", person.reference))
    }

    /// The entries that a grant allows something to.
    pub(crate) fn holders(&self, action: Action) -> Vec<String> {
        let grants = self.grants.iter().filter(|grant| grant.actions.contains(&action));
        grants.map(|grant| Principal::parse(&grant.to).to_string()).collect()
    }

    fn grants_to(&self, person: &Person, action: Action) -> bool {
        let mut grants = self.grants.iter().filter(|grant| grant.actions.contains(&action));
        grants.any(|grant| person.is(&Principal::parse(&grant.to)))
    }
}
