//! Puts secrets in the place of references, for the instance that may have them.
//!
//! Promises: an instance gets the credentials of the request that it works on, and the tokens of the people that the request is of, and no
//! others.

use std::collections::HashMap;

use rondo_function::Secrets;
use uuid::Uuid;

use super::{
    call::Call,
    references::{self, Form, Reference},
};
use crate::{
    Desk,
    model::{CredentialSecrets, Principal, Request},
    refusal::Refusal,
    tables,
};

impl Desk {
    /// Replaces the references in the body of a call. Answers what must not be in its answer; `None` if there was no reference.
    pub(super) async fn fill_in(
        &self,
        call: &mut Call,
        instance: Option<&str>,
    ) -> Result<Option<Secrets>, Refusal> {
        let Some(body) = call.body.as_mut().filter(|body| references::has_any(body)) else { return Ok(None) };
        let request = self.request_of(instance).await?;
        let credentials = match &request {
            Some(request) => self.credentials_of(&request.id).await?,
            None => None,
        };
        let hidden = Secrets::default();
        let mut is_foreign = false;
        let mut known: HashMap<Reference, String> = HashMap::new();
        let replaced = references::replace(body, &mut |reference| {
            if let Some(secret) = known.get(reference) {
                return Ok(secret.clone());
            }
            let secret = match self.resolve(reference, request.as_ref(), credentials.as_ref()) {
                Resolved::Secret(secret) => secret,
                Resolved::Missing(fault) => return Err(fault),
                Resolved::Foreign(fault) => {
                    is_foreign = true;
                    return Err(fault);
                }
            };
            hidden.hide(&secret);
            known.insert(reference.clone(), secret.clone());
            Ok(secret)
        });
        match replaced {
            Ok(()) => {
                // An answer may show the password although the user data were sent.
                if let Some(credentials) = &credentials {
                    hidden.hide(&credentials.password);
                }
                Ok(Some(hidden))
            }
            Err(faults) if is_foreign => {
                let texts: Vec<_> =
                    faults.into_iter().map(|(pointer, fault)| format!("{pointer}: {fault}")).collect();
                Err(Refusal::forbidden(texts.join("; ")))
            }
            Err(faults) => Err(Refusal::invalid(faults)),
        }
    }

    fn resolve(
        &self,
        reference: &Reference,
        request: Option<&Request>,
        credentials: Option<&CredentialSecrets>,
    ) -> Resolved {
        match reference {
            Reference::Credential { request: wanted, form } => match (request, credentials) {
                (Some(request), Some(credentials)) if request.id == *wanted => Resolved::Secret(match form {
                    Form::Password => credentials.password.clone(),
                    Form::PasswordHash => credentials.password_hash.clone(),
                    Form::CloudInit => credentials.cloud_init.clone(),
                }),
                (Some(request), None) if request.id == *wanted => Resolved::Missing(format!(
                    "no credentials were made for the request {wanted}, or they are gone"
                )),
                _ => Resolved::Foreign(format!(
                    "the credentials of the request {wanted} are for the flow that works on it"
                )),
            },
            Reference::Token { user, service } => {
                let person = Principal::parse(user);
                let is_of = |name: &str| Principal::parse(name) == person;
                let is_theirs = request.is_some_and(|request| {
                    is_of(&request.asked.requester) || request.asked.owner.as_deref().is_some_and(is_of)
                });
                match self.0.settings.user_token(user, service) {
                    _ if !is_theirs => {
                        Resolved::Foreign(format!("the tokens of {user} are for flows that work for {user}"))
                    }
                    Some(token) => Resolved::Secret(token),
                    None => Resolved::Missing(format!("{user} has linked no token for {service}")),
                }
            }
        }
    }

    /// The request that an instance works on: its business key, or that of the tree it belongs to.
    pub(super) async fn request_of(&self, instance: Option<&str>) -> Result<Option<Request>, Refusal> {
        let Some(instance) = instance.and_then(|text| text.parse::<Uuid>().ok()) else { return Ok(None) };
        self.read(move |connection| match rondo_store::business_key_of(connection, instance)? {
            Some(key) => Ok(tables::requests::get(connection, &key)?),
            None => Ok(None),
        })
        .await
    }
}

enum Resolved {
    Secret(String),
    Missing(String),
    Foreign(String),
}
