//! Webhooks as people write them: where to, and the secrets that are encrypted.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Fault, Work};
use crate::{model::Webhook, refusal::Refusal, tables};

/// What of a webhook must not be in the database in clear.
#[derive(Serialize, Deserialize)]
pub(crate) struct HookSecrets {
    pub(crate) secret: String,
    pub(crate) password: Option<String>,
}

impl Work<'_, '_> {
    /// A new webhook. Answers its id.
    pub(crate) fn new_webhook(&mut self, webhook: &Webhook, secrets: &HookSecrets) -> Result<String, Fault> {
        let mut faults = Vec::new();
        if tables::pools::get(self.connection, &webhook.pool)?.is_none() {
            faults.push(("/pool".to_owned(), format!("there is no pool `{}`", webhook.pool)));
        }
        if let Err(problem) = self.shared.check_webhook_url(&webhook.url) {
            faults.push(("/url".to_owned(), problem));
        }
        if !faults.is_empty() {
            return Err(Refusal::invalid(faults).into());
        }
        let id = Uuid::now_v7().to_string();
        let text = serde_json::to_vec(secrets).map_err(|error| Refusal::bad_request(error.to_string()))?;
        let sealed = self.shared.surroundings.seal.seal(&id, &text).map_err(Refusal::unavailable)?;
        tables::webhooks::insert(self.connection, &id, webhook, &sealed)?;
        Ok(id)
    }

    /// Switches a webhook on again.
    pub(crate) fn enable_webhook(&mut self, id: &str) -> Result<Webhook, Fault> {
        let mut webhook =
            tables::webhooks::get(self.connection, id)?.ok_or_else(|| Refusal::not_found("webhook", id))?;
        (webhook.failures, webhook.disabled_reason) = (0, None);
        tables::webhooks::update(self.connection, id, &webhook)?;
        Ok(webhook)
    }
}
