//! Private cloud products: what is known of one, the one request that may change it, and the callbacks that the request waits for.
//!
//! Promises: a plate belongs to one product for ever; a callback that names its cluster counts once, however often it comes. Source:
//! provisioning contract, section 4.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How long a temporary product may be there.
pub(crate) const LIFE_OF_A_TEMPORARY_PRODUCT: std::time::Duration = std::time::Duration::from_hours(30 * 24);

/// The number of plates: six hexadecimal digits, of which the first is a letter.
pub(crate) const PLATES: u32 = 6 << 20;

/// The plate of a number below [`PLATES`].
pub(crate) fn plate(number: u32) -> String {
    format!("{:06x}", 0xa0_0000 + number % PLATES)
}

/// Whether a text is a plate.
pub(crate) fn is_plate(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 6 && text.bytes().all(is_digit) && !text.starts_with(|first: char| first.is_ascii_digit())
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    /// Whether it is there.
    pub(crate) status: ProductStatus,
    /// Name, ministry, cluster, people, resources: as the flows have written them.
    pub(crate) data: Map<String, Value>,
    /// When it was written first.
    pub(crate) created_at: Timestamp,
    /// When it was written last.
    pub(crate) changed_at: Timestamp,
    /// When it was archived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archived_at: Option<Timestamp>,
    /// How many changes were announced.
    #[serde(default)]
    pub(crate) events: u64,
}

/// Whether a product is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ProductStatus {
    /// It is.
    Active,
    /// It was archived.
    Inactive,
}

/// What was done with a product, as webhooks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProductAction {
    /// It is new.
    Create,
    /// Its data changed, or it is there again.
    Edit,
    /// It was archived.
    Delete,
}

impl Product {
    /// A text of its data: `ministry`, `cluster`.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.data.get(member)?.as_str()
    }

    /// Whether it is archived by itself after [`LIFE_OF_A_TEMPORARY_PRODUCT`].
    pub(crate) fn is_temporary(&self) -> bool {
        self.data.get("isTest") == Some(&Value::Bool(true))
    }

    /// What a product has become from what it was before; `None` when nothing changed.
    pub(crate) fn change_since(&self, before: Option<&Self>) -> Option<ProductAction> {
        let Some(before) = before else { return Some(ProductAction::Create) };
        match (before.status, self.status) {
            (ProductStatus::Active, ProductStatus::Inactive) => Some(ProductAction::Delete),
            (was, is) if was == is && before.data == self.data => None,
            _ => Some(ProductAction::Edit),
        }
    }
}

/// The one active request of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProductLock {
    /// The request: an instance of a flow.
    pub(crate) request: String,
    /// Since when.
    pub(crate) since: Timestamp,
    /// The clusters whose callbacks the request waits for; empty before anything was sent to a provisioner.
    #[serde(default)]
    pub(crate) awaits: Vec<String>,
    /// The clusters that have called back by name.
    #[serde(default)]
    heard: BTreeSet<String>,
    /// Callbacks that named no cluster. Nothing but their number tells them apart.
    #[serde(default)]
    unnamed: usize,
}

/// A callback of a provisioner.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Callback {
    /// `<cluster>-<plate>-<request>`, as the message had it.
    #[serde(default)]
    workflow: Option<String>,
    /// The cluster, in any case of letters.
    #[serde(default)]
    cluster: Option<String>,
    /// What came of it.
    #[serde(default)]
    pub(crate) status: CallbackStatus,
    /// More about it.
    #[serde(default)]
    pub(crate) message: Option<String>,
}

/// What came of a message to a provisioner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum CallbackStatus {
    /// It is done. The real provisioner says nothing else.
    #[default]
    Succeeded,
    /// It is not.
    Failed,
}

impl Callback {
    /// The cluster that calls: by its name, or by the beginning of the workflow.
    pub(crate) fn cluster(&self) -> Option<String> {
        let named = self.cluster.as_deref();
        let named = named.or_else(|| Some(self.workflow.as_deref()?.split_once('-')?.0));
        named.map(str::to_lowercase)
    }
}

impl ProductLock {
    /// A request that waits for nothing yet.
    pub(crate) fn new(request: String, since: Timestamp) -> Self {
        Self { request, since, awaits: Vec::new(), heard: BTreeSet::new(), unnamed: 0 }
    }

    /// The request waits for callbacks of these clusters from now on. A callback that came counts as long as they are those that are still to
    /// come; a request that asks for one again has not heard of it.
    pub(crate) fn wait_for(&mut self, clusters: &[String]) {
        let clusters: Vec<_> = clusters.iter().map(|cluster| cluster.to_lowercase()).collect();
        if clusters != self.remaining() {
            (self.awaits, self.heard, self.unnamed) = (clusters, BTreeSet::new(), 0);
        }
    }

    /// The clusters whose callback is still to come. A callback without a name counts for the first of them.
    pub(crate) fn remaining(&self) -> Vec<String> {
        let silent = self.awaits.iter().filter(|cluster| !self.heard.contains(*cluster));
        silent.skip(self.unnamed).cloned().collect()
    }

    /// Takes a callback. Answers whether it says anything new; `None` when nobody waits for it.
    pub(crate) fn take(&mut self, callback: &Callback) -> Option<bool> {
        let cluster = callback.cluster().filter(|cluster| self.awaits.contains(cluster));
        if cluster.as_ref().is_some_and(|cluster| self.heard.contains(cluster)) {
            return Some(false);
        }
        let is_foreign = callback.cluster.is_some() && cluster.is_none();
        if is_foreign || self.remaining().is_empty() {
            return None;
        }
        if callback.status == CallbackStatus::Succeeded {
            match cluster {
                Some(cluster) => _ = self.heard.insert(cluster),
                None => self.unnamed += 1,
            }
        }
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plate_is_six_hexadecimal_digits_that_begin_with_a_letter() {
        assert_eq!((plate(0).as_str(), plate(PLATES - 1).as_str()), ("a00000", "ffffff"));
        for (text, expected) in
            [("a1b2c3", true), ("1abcde", false), ("A1B2C3", false), ("a1b2c", false), ("g00000", false)]
        {
            assert_eq!(is_plate(text), expected, "{text}");
        }
        assert!(is_plate(&plate(0)) && is_plate(&plate(PLATES - 1)));
    }

    /// Takes callbacks in turn. Each line: the callback, whether it is news (`None`: nobody waits), and how many are still to come.
    fn check(awaits: &[&str], callbacks: &[(Value, Option<bool>, &[&str])]) {
        let mut lock = ProductLock::new("request".to_owned(), Timestamp::UNIX_EPOCH);
        lock.wait_for(&awaits.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        for (number, (callback, expected, remaining)) in callbacks.iter().enumerate() {
            let callback: Callback = serde_json::from_value(callback.clone()).unwrap();
            assert_eq!(
                (lock.take(&callback), lock.remaining()),
                (*expected, remaining.iter().map(|name| (*name).to_owned()).collect()),
                "callback {number} of {awaits:?}"
            );
        }
    }

    #[test]
    fn callbacks_count_once_for_each_cluster() {
        check(&[], &[(json!({}), None, &[])]);
        check(&["silver"], &[(json!({}), Some(true), &[]), (json!({}), None, &[])]);
        check(&["silver"], &[(json!({"cluster": "gold"}), None, &["silver"])]);
        let gold = ["gold", "golddr"];
        check(
            &gold,
            &[(json!({}), Some(true), &["golddr"]), (json!({}), Some(true), &[]), (json!({}), None, &[])],
        );
        // One cluster that calls twice counts once, by name or by the name of the workflow.
        check(
            &gold,
            &[
                (json!({"cluster": "GOLDDR"}), Some(true), &["gold"]),
                (json!({"workflow": "golddr-a1b2c3-1"}), Some(false), &["gold"]),
                (json!({"workflow": "gold-a1b2c3-1"}), Some(true), &[]),
                (json!({"cluster": "gold"}), Some(false), &[]),
                (json!({}), None, &[]),
            ],
        );
        // A failure leaves the callback to come; a workflow that says no cluster is a callback without a name.
        check(
            &gold,
            &[
                (
                    json!({"cluster": "gold", "status": "Failed", "message": "no quota"}),
                    Some(true),
                    &["gold", "golddr"],
                ),
                (json!({"workflow": "something"}), Some(true), &["golddr"]),
                (json!({"cluster": "gold"}), Some(true), &[]),
            ],
        );
    }

    #[test]
    fn a_request_that_has_not_heard_of_a_callback_waits_for_it_again() {
        let clusters = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let callback =
            |cluster: &str| serde_json::from_value::<Callback>(json!({"cluster": cluster})).unwrap();
        let mut lock = ProductLock::new("request".to_owned(), Timestamp::UNIX_EPOCH);
        lock.wait_for(&clusters(&["gold", "golddr"]));
        assert_eq!(lock.take(&callback("gold")), Some(true));
        lock.wait_for(&clusters(&["golddr"]));
        assert_eq!(lock.take(&callback("gold")), Some(false), "it came before");
        assert_eq!(lock.take(&callback("golddr")), Some(true));
        lock.wait_for(&clusters(&["GOLDDR"]));
        assert_eq!((lock.remaining(), lock.take(&callback("golddr"))), (clusters(&["golddr"]), Some(true)));
    }

    #[test]
    fn what_was_done_with_a_product_is_told_by_what_it_was() {
        let product = |status, name: &str| Product {
            status,
            data: json!({"name": name}).as_object().unwrap().clone(),
            created_at: Timestamp::UNIX_EPOCH,
            changed_at: Timestamp::UNIX_EPOCH,
            archived_at: None,
            events: 0,
        };
        let (active, inactive) = (ProductStatus::Active, ProductStatus::Inactive);
        let before = product(active, "a");
        assert_eq!(before.change_since(None), Some(ProductAction::Create));
        for (after, expected) in [
            (product(active, "a"), None),
            (product(active, "b"), Some(ProductAction::Edit)),
            (product(inactive, "a"), Some(ProductAction::Delete)),
        ] {
            assert_eq!(after.change_since(Some(&before)), expected);
        }
        assert_eq!(
            product(active, "a").change_since(Some(&product(inactive, "a"))),
            Some(ProductAction::Edit)
        );
    }
}
