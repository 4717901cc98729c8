//! What a request takes, and how much a pool may have.

use serde::{Deserialize, Serialize};

use super::Amount;

/// What a request takes in total, not for each of its instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resources {
    /// How many machines, namespaces, databases or stores.
    #[serde(default = "one")]
    pub(crate) instances: u32,
    /// Cores.
    #[serde(default)]
    pub(crate) cpu: Amount,
    /// Memory in GiB.
    #[serde(default, rename = "memoryGiB")]
    pub(crate) memory: Amount,
    /// Storage in GiB.
    #[serde(default, rename = "storageGiB")]
    pub(crate) storage: Amount,
}

fn one() -> u32 {
    1
}

impl Resources {
    /// Nothing at all.
    pub(crate) const NONE: Self =
        Self { instances: 0, cpu: Amount::ZERO, memory: Amount::ZERO, storage: Amount::ZERO };

    /// These and others together.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            instances: self.instances.saturating_add(other.instances),
            cpu: self.cpu + other.cpu,
            memory: self.memory + other.memory,
            storage: self.storage + other.storage,
        }
    }

    /// Each resource with its name, as quotas and capacities name it, and its amount.
    pub(crate) fn each(&self) -> [(&'static str, Amount); 4] {
        [
            ("instances", Amount::whole(self.instances)),
            ("cpu", self.cpu),
            ("memoryGiB", self.memory),
            ("storageGiB", self.storage),
        ]
    }
}

/// How much a pool may have. What is absent is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quota {
    /// Machines, namespaces, databases, stores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instances: Option<u32>,
    /// Cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Amount>,
    /// Memory in GiB.
    #[serde(rename = "memoryGiB", skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Amount>,
    /// Storage in GiB.
    #[serde(rename = "storageGiB", skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<Amount>,
}

/// A limit that a request would exceed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Violation {
    /// Name of the resource.
    pub(crate) resource: String,
    /// What the pool may have.
    pub(crate) limit: Amount,
    /// What it has.
    pub(crate) used: Amount,
    /// What the request takes.
    pub(crate) requested: Amount,
    /// The same as a sentence.
    pub(crate) message: String,
}

impl Quota {
    /// Every limit that is exceeded when `requested` is added to what is `used`.
    pub(crate) fn violations(&self, used: &Resources, requested: &Resources) -> Vec<Violation> {
        let limits = [self.instances.map(Amount::whole), self.cpu, self.memory, self.storage];
        let each = limits.into_iter().zip(used.each()).zip(requested.each());
        each.filter_map(|((limit, (resource, used)), (_, requested))| {
            let limit = limit?;
            (used + requested > limit).then(|| Violation {
                resource: resource.to_owned(),
                limit,
                used,
                requested,
                message: format!("{resource}: {used} of {limit} used, {requested} requested"),
            })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(json: &str) -> Resources {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_violation_is_told_and_what_is_left_fits_exactly() {
        let quota: Quota = serde_json::from_str(r#"{"instances": 3, "cpu": 16, "memoryGiB": 32}"#).unwrap();
        let used = resources(r#"{"instances": 1, "cpu": 12, "memoryGiB": 16, "storageGiB": 9000}"#);
        let over = quota.violations(&used, &resources(r#"{"cpu": 8, "memoryGiB": 20, "storageGiB": 1}"#));
        let told: Vec<_> = over.iter().map(|violation| violation.message.as_str()).collect();
        assert_eq!(told, ["cpu: 12 of 16 used, 8 requested", "memoryGiB: 16 of 32 used, 20 requested"]);
        assert!(
            quota.violations(&used, &resources(r#"{"instances": 2, "cpu": 4, "memoryGiB": 16}"#)).is_empty()
        );
    }
}
