//! Credentials of requests: made for a flow, which never sees them, and revealed once to who asked.
//!
//! Promises: they are in the database encrypted, and in clear only in the answer to the requester and in what the gateway sends to the
//! cluster; a repeated making gives the same ones; they are gone once they were revealed and the flow is done, and when what they open is gone.

use serde_json::{Map, Value, json};

use super::{Desk, Fault, Work};
use crate::{
    gateway::references,
    model::{
        Credential, CredentialKind, CredentialSecrets, MakeError, Person, Principal, Request, State,
        make_credentials,
    },
    refusal::Refusal,
    tables,
};

/// Credentials that were made and not written yet.
#[derive(Clone)]
pub(crate) struct Made {
    kind: CredentialKind,
    user: String,
    sealed: Vec<u8>,
}

impl Desk {
    /// Makes credentials for a request, encrypted. Nobody has them before they are written.
    pub(crate) async fn new_credentials(
        &self,
        request: &str,
        kind: CredentialKind,
        user: Option<String>,
        cloud_init: Map<String, Value>,
    ) -> Result<Made, Refusal> {
        // Hashing a password takes as long as it is meant to.
        let made =
            tokio::task::spawn_blocking(move || make_credentials(kind, user.as_deref(), &cloud_init)).await;
        let made = made.map_err(|_| Refusal::unavailable("the credentials could not be made"))?;
        let (user, secrets) = made.map_err(|error| match &error {
            MakeError::User(_) => Refusal::invalid_at("/user", error.to_string()),
            MakeError::TooLong(_) => Refusal::invalid_at("/cloudInit", error.to_string()),
            MakeError::Random => Refusal::unavailable(error.to_string()),
        })?;
        let text = serde_json::to_vec(&secrets).map_err(|error| Refusal::unavailable(error.to_string()))?;
        let sealed = self.0.surroundings.seal.seal(&owner(request), &text).map_err(Refusal::unavailable)?;
        Ok(Made { kind, user, sealed })
    }

    /// The credentials of a request; `None` if there are none, or none any more.
    pub(crate) async fn credentials_of(&self, request: &str) -> Result<Option<CredentialSecrets>, Refusal> {
        let wanted = request.to_owned();
        let found = self.read(move |connection| Ok(tables::credentials::get(connection, &wanted)?)).await?;
        found.and_then(|(_, sealed)| sealed).map(|sealed| self.unseal(request, &sealed)).transpose()
    }

    /// Reveals the credentials of a request to who asked for it, once.
    pub(crate) async fn reveal_credentials(&self, person: &Person, id: String) -> Result<Value, Refusal> {
        let request = id.clone();
        let (credential, sealed) = self.change(person, move |work| work.reveal(&request)).await?;
        let secrets = self.unseal(&id, &sealed)?;
        tracing::info!(request = id, person = person.reference, "credentials were revealed");
        Ok(json!({"kind": credential.kind, "user": credential.user, "password": secrets.password}))
    }

    fn unseal(&self, request: &str, sealed: &[u8]) -> Result<CredentialSecrets, Refusal> {
        let text = self.0.surroundings.seal.open(&owner(request), sealed).map_err(Refusal::unavailable)?;
        serde_json::from_slice(&text).map_err(|_| Refusal::unavailable("the credentials cannot be read"))
    }
}

/// What credentials are encrypted for: those of one request are of no use for another.
fn owner(request: &str) -> String {
    format!("credential:{request}")
}

impl Work<'_, '_> {
    /// Keeps the credentials of a request, unless there are some of the same attempt. Answers the references to those that are kept.
    pub(crate) fn keep_credentials(&mut self, id: &str, made: &Made) -> Result<Value, Fault> {
        let request = self.request(id)?;
        if matches!(request.state, State::Failed | State::RollingBack | State::RolledBack) {
            return Err(Refusal::cancelled().into());
        }
        let known = tables::credentials::get(self.connection, id)?;
        let known = known.filter(|(credential, _)| credential.attempt == request.attempt);
        let Credential { kind, user, .. } = if let Some((credential, _)) = known {
            credential
        } else {
            let credential = Credential {
                kind: made.kind,
                user: made.user.clone(),
                attempt: request.attempt,
                made_at: self.now,
                revealed_at: None,
                revealed_to: None,
            };
            tables::credentials::put(self.connection, id, &credential, Some(&made.sealed))?;
            credential
        };
        let references = references::of_request(id);
        Ok(json!({"request": id, "kind": kind, "user": user, "references": references}))
    }

    /// Forgets the credentials of a request that nothing needs any more: what they open is gone, or they were revealed and the flow is done.
    pub(super) fn drop_credentials(&mut self, request: &Request) -> Result<(), Fault> {
        let is_over = match request.state {
            State::Completed => {
                let known = tables::credentials::get(self.connection, &request.id)?;
                known.is_some_and(|(credential, _)| credential.revealed_at.is_some())
            }
            _ => !request.holds(),
        };
        if is_over { Ok(tables::credentials::forget(self.connection, &request.id)?) } else { Ok(()) }
    }

    fn reveal(&mut self, id: &str) -> Result<(Credential, Vec<u8>), Fault> {
        let request = self.request(id)?;
        self.check_is_requester(&request)?;
        let Some((mut credential, sealed)) = tables::credentials::get(self.connection, id)? else {
            return Err(
                Refusal::not_found_because(format!("no credentials were made for the request {id}")).into()
            );
        };
        if let Some(at) = credential.revealed_at {
            return Err(
                Refusal::gone(format!("the credentials were revealed at {at}, and are shown once")).into()
            );
        }
        let Some(sealed) = sealed else {
            return Err(Refusal::gone("what the credentials open is gone, and they are too").into());
        };
        credential.revealed_at = Some(self.now);
        credential.revealed_to = Some(self.person.reference.clone());
        // A flow that is still at work may need them again.
        let is_done = matches!(request.state, State::Completed | State::Suspended);
        tables::credentials::put(
            self.connection,
            id,
            &credential,
            Some(sealed.as_slice()).filter(|_| !is_done),
        )?;
        Ok((credential, sealed))
    }

    fn check_is_requester(&self, request: &Request) -> Result<(), Fault> {
        let requester = Principal::parse(&request.asked.requester);
        if self.shared.settings.is_open() || self.person.is(&requester) {
            return Ok(());
        }
        Err(Refusal::forbidden(format!("only {requester}, who asked, gets the credentials")).into())
    }
}
