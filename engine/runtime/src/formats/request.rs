//! The parts of the start request that are stored with an instance, encrypted: headers, variables of callers, identity.
//!
//! The encrypted text is `{"h":[[NAME,VALUE],…],"v":[[NAME,VALUE],…],"i":IDENTITY,"s":STATE}`, without empty members. The first byte of the
//! encryption is the version; version 1 had no `i`.

use std::{borrow::Cow, sync::Arc};

use rondo_expression::Val;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FormatError;
use crate::encryption::Encryption;

const WHAT: &str = "what is kept of the start request";

/// The parts of the start request.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct RequestContext {
    /// Its headers, which calls pass on to services.
    pub(crate) headers: Arc<Vec<(String, String)>>,
    /// Variables of the callers of a subflow.
    pub(crate) variables: Arc<[(Arc<str>, Val)]>,
    /// Identity of the client; `None` when the request had none.
    pub(crate) identity: Option<Arc<str>>,
    /// Name of the state to start at, of an instance that is stored before it starts; `None` for the definition's start.
    pub(crate) start_at: Option<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    #[serde(rename = "h", default, borrow, skip_serializing_if = "<[_]>::is_empty")]
    headers: Cow<'a, [(String, String)]>,
    #[serde(rename = "v", default, skip_serializing_if = "<[_]>::is_empty")]
    variables: Cow<'a, [(Arc<str>, Val)]>,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    identity: Option<Arc<str>>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    start_at: Option<Arc<str>>,
}

impl RequestContext {
    /// Encrypts the parts; `None` when there are none.
    pub(crate) fn encrypt(
        &self,
        instance: Uuid,
        encryption: &Encryption,
    ) -> Result<Option<Vec<u8>>, FormatError> {
        let Self { headers, variables, identity, start_at } = self;
        if headers.is_empty() && variables.is_empty() && identity.is_none() && start_at.is_none() {
            return Ok(None);
        }
        let kept = Kept {
            headers: headers.as_slice().into(),
            variables: Cow::Borrowed(variables),
            identity: identity.clone(),
            start_at: start_at.clone(),
        };
        let text = serde_json::to_vec(&kept).map_err(FormatError::unwritable(WHAT))?;
        Ok(Some(encryption.encrypt(instance, &text)?))
    }

    /// Decrypts the parts.
    pub(crate) fn decrypt(
        instance: Uuid,
        encrypted: Option<&[u8]>,
        encryption: &Encryption,
    ) -> Result<Self, FormatError> {
        let Some(encrypted) = encrypted else { return Ok(Self::default()) };
        let text = encryption.decrypt(instance, encrypted)?;
        let kept: Kept<'_> =
            serde_json::from_slice(&text).map_err(|error| FormatError::damaged(WHAT, error))?;
        Ok(Self {
            headers: Arc::new(kept.headers.into_owned()),
            variables: kept.variables.into(),
            identity: kept.identity,
            start_at: kept.start_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_what_version_1_wrote_too() {
        let encryption = Encryption::open(None, None).unwrap();
        let id = Uuid::from_u128(1);
        let request = RequestContext {
            headers: Arc::new(vec![("x-a".into(), "1".into())]),
            variables: [(Arc::from("item"), Val::Int(1))].into(),
            identity: Some("ada".into()),
            start_at: Some("Ask".into()),
        };
        let encrypted = request.encrypt(id, &encryption).unwrap();
        assert_eq!(RequestContext::decrypt(id, encrypted.as_deref(), &encryption).unwrap(), request);
        assert_eq!(RequestContext::default().encrypt(id, &encryption).unwrap(), None);
        assert_eq!(RequestContext::decrypt(id, None, &encryption).unwrap(), RequestContext::default());
        let old = encryption.encrypt(id, br#"{"h":[["x-a","1"]],"v":[["item",1]]}"#).unwrap();
        let read = RequestContext::decrypt(id, Some(&old), &encryption).unwrap();
        assert_eq!(read, RequestContext { identity: None, start_at: None, ..request });
        let nonsense = encryption.encrypt(id, b"nonsense").unwrap();
        assert!(matches!(
            RequestContext::decrypt(id, Some(&nonsense), &encryption),
            Err(FormatError::Damaged { .. })
        ));
    }
}
