//! The request to start an instance.

use rondo_expression::Val;
use rondo_memory::Share;

use crate::refusal::Refusal;

/// How many characters a business key may have. Every outgoing call carries it in a header, and servers limit the size of headers.
pub const MAX_BUSINESS_KEY: usize = 1000;

/// The request to start an instance.
#[derive(Debug, Default)]
pub struct Start {
    /// The input of the instance.
    pub data: Val,
    /// Extra variables, which the Data Index shows beside the data: an object, or null.
    pub extra: Val,
    /// Business key: up to [`MAX_BUSINESS_KEY`] characters, none of them a control character.
    pub business_key: Option<String>,
    /// Reference id (`X-KOGITO-ReferenceId`).
    pub reference_id: Option<String>,
    /// Name of the state to start at instead of the definition's start state (`X-KOGITO-StartFromNode`). The workflow must have it.
    pub start_at: Option<String>,
    /// Headers of the request, names as sent. They are stored with the instance, encrypted.
    pub headers: Vec<(String, String)>,
    /// Identity of the client, the value of `$WORKFLOW.identity`; `None` becomes `anonymous`. It is stored with the instance, encrypted.
    pub identity: Option<String>,
    /// The share of memory that was taken while the request was read; the instance takes it over. `None` takes a share at the start.
    pub memory: Option<Share>,
}

impl Start {
    /// Checks that the business key can be the value of a header.
    pub(crate) fn check_business_key(&self) -> Result<(), Refusal> {
        let Some(key) = &self.business_key else { return Ok(()) };
        if let Some(at) = key.chars().position(char::is_control) {
            let problem =
                format!("has a control character at place {}, and calls carry it in a header", at + 1);
            return Err(Refusal::BusinessKey(problem));
        }
        let length = key.chars().count();
        if length > MAX_BUSINESS_KEY {
            let problem = format!("has {length} characters; {MAX_BUSINESS_KEY} are allowed");
            return Err(Refusal::BusinessKey(problem));
        }
        Ok(())
    }
}
