//! Functions whose result no argument determines: `uuid4`, `random`, `hostname`.
//!
//! The arguments of a call that a crash interrupted are evaluated again, so these functions, as `now` does, give another result then,
//! although the repeated call has the idempotency key of the first. Where both must agree on an identity, an earlier action puts it into
//! the data. A result that is derived from the evaluation's inputs is no way out: two elements of a loop can have equal inputs, and their
//! identities must differ.

use uuid::Uuid;

use crate::value::Val;

/// `uuid4`
pub(super) fn uuid() -> Val {
    Val::text(Uuid::new_v4().to_string())
}

/// `random`: at least 0 and less than 1.
#[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
pub(super) fn number() -> Val {
    let (_, bits) = Uuid::new_v4().as_u64_pair();
    Val::Float((bits & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64)
}

/// `hostname`: the environment variable `HOSTNAME`. Expressions see nothing else of the machine.
pub(super) fn host_name() -> Val {
    let name = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    Val::text(name.unwrap_or_else(|| "localhost".to_owned()))
}
