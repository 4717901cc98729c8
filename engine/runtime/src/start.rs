//! How to start an instance.

use rondo_expression::Val;
use rondo_memory::Share;

use crate::refusal::Refusal;

/// Characters of a business key at most. Every outgoing call carries it in a header.
pub const MAX_BUSINESS_KEY: usize = 1000;

/// How to start an instance.
#[derive(Debug, Default)]
pub struct Start {
    /// State data.
    pub data: Val,
    /// Further variables beside the data: an object, or null.
    pub extra: Val,
    /// Business key: up to [`MAX_BUSINESS_KEY`] characters, none of them a control character.
    pub business_key: Option<String>,
    /// Reference id (`X-KOGITO-ReferenceId`).
    pub reference_id: Option<String>,
    /// Name of the state to start at instead of the definition's (`X-KOGITO-StartFromNode`); it must be there.
    pub start_at: Option<String>,
    /// Headers of the request, names as sent. Kept with the instance, encrypted.
    pub headers: Vec<(String, String)>,
    /// Who asks, as `$WORKFLOW.identity` shows it; `None` is shown as `anonymous`. Kept with the instance, encrypted.
    pub identity: Option<String>,
    /// What was taken of the memory for data while the request was read; it goes over to the instance. `None`: it is taken now.
    pub memory: Option<Share>,
}

impl Start {
    /// That the business key can be the value of a header.
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
