//! Spaces: environments, the stages of pipelines, who works in one. A space is a pool.

use serde::{Deserialize, Serialize};

use super::{Action, Person, Pool, Principal};
use crate::refusal::Refusal;

/// A place for the work of a space: a type, and a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Environment {
    /// Name, unique in its space.
    pub(crate) name: String,
    /// `build`, `dev`, `test`, `stage`, `run`, `custom`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The namespace that is used; without one it is made for each user.
    #[serde(default, rename = "namespaceName", skip_serializing_if = "Option::is_none")]
    pub(crate) namespace_name: Option<String>,
    /// Address of the cluster.
    #[serde(rename = "cluster-url")]
    pub(crate) cluster_url: String,
    /// Named set of limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    /// With it contributors get an instance of their own, with these limits.
    #[serde(default, rename = "profileContributor", skip_serializing_if = "Option::is_none")]
    pub(crate) profile_contributor: Option<String>,
}

/// The types of which a space has one environment at most.
const SINGLE: [&str; 2] = ["build", "dev"];

impl Environment {
    /// Checks a new environment of a space that has these.
    pub(crate) fn check(&self, others: &[Self]) -> Result<(), Refusal> {
        if self.kind == "dev" && self.namespace_name.is_some() {
            let fault = "the namespace of a dev environment is made for each user";
            return Err(Refusal::invalid_at("/data/attributes/namespaceName", fault));
        }
        if let Some(other) = others.iter().find(|other| other.name == self.name) {
            return Err(Refusal::name_taken("environment of the space called", &other.name));
        }
        let is_single = SINGLE.contains(&self.kind.as_str());
        match others.iter().find(|other| is_single && other.kind == self.kind) {
            Some(other) => {
                Err(Refusal::name_taken(&format!("{} environment of the space,", self.kind), &other.name))
            }
            None => Ok(()),
        }
    }
}

/// Which environment each stage of a pipeline uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PipelineMap {
    /// Name, unique in its space.
    pub(crate) name: String,
    /// Stages in their order.
    pub(crate) environments: Vec<Stage>,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stage {
    /// Name, unique in its map.
    pub(crate) stage: String,
    /// Id of an environment of the space.
    #[serde(rename = "envUUID")]
    pub(crate) environment: String,
}

impl PipelineMap {
    /// Checks what can be seen of the map alone.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let stages = self.environments.iter().enumerate();
        let repeated = stages.filter(|(index, own)| {
            self.environments[..*index].iter().any(|earlier| earlier.stage == own.stage)
        });
        let faults: Vec<_> = repeated
            .map(|(index, own)| {
                (format!("/data/environments/{index}/stage"), format!("`{}` is there already", own.stage))
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Refusal::invalid(faults)) }
    }
}

/// A repository that is built in a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Codebase {
    /// Address of the repository.
    pub(crate) url: String,
    /// What it is built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stack_id: Option<String>,
    /// Id of its map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pipeline_environment_map: Option<String>,
}

/// What a person is in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Collaboration {
    /// Owns it.
    Owner,
    /// Works in it.
    Contributor,
    /// Neither.
    None,
}

impl Pool {
    /// What a person is in the space.
    pub(crate) fn collaboration(&self, person: &Person) -> Collaboration {
        let may = |action| self.holders(action).iter().any(|entry| person.is(&Principal::parse(entry)));
        let owns = self.owner.as_deref().is_some_and(|owner| person.is(&Principal::parse(owner)));
        if owns || may(Action::Manage) {
            Collaboration::Owner
        } else if may(Action::Contribute) {
            Collaboration::Contributor
        } else {
            Collaboration::None
        }
    }

    /// Who owns the space: its owner, else the first user who manages it.
    pub(crate) fn space_owner(&self) -> Option<String> {
        let managers = self.holders(Action::Manage).into_iter();
        let mut all = self.owner.iter().map(|owner| Principal::parse(owner).to_string()).chain(managers);
        all.find(|entry| entry.starts_with("user:"))
    }
}
