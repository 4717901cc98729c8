//! What nobody knows before an expression is evaluated.
//!
//! Arguments of a call are evaluated again when a crash interrupted it. As with `now`, what is given here is another then, although the
//! repeated call has the idempotency key of the first; whoever needs one identity for both calls puts it into the data before.
//! It is not derived from what an evaluation is given: in two rounds of a loop that is the same, and their identities must differ.

use uuid::Uuid;

use crate::value::Val;

/// `uuid4`
pub(super) fn identity() -> Val {
    Val::text(Uuid::new_v4().to_string())
}

/// `random`: at least 0 and less than 1.
#[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
pub(super) fn number() -> Val {
    let (_, bits) = Uuid::new_v4().as_u64_pair();
    Val::Float((bits & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64)
}

/// `hostname`: the name that the machine was given. An expression sees nothing else of it.
pub(super) fn host_name() -> Val {
    let name = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    Val::text(name.unwrap_or_else(|| "localhost".to_owned()))
}
