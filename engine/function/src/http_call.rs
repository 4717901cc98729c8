//! Calls whose request is built from the function itself.

use std::sync::Arc;

use rondo_memory::Share;

use crate::answer::{Answer, status_error};
use crate::binding::Binding;
use crate::caller::{CONNECT_TIMEOUT, Caller, Request, hide_what_may_be_repeated, outcome};
use crate::error::{CallErrorKind, Site};
use crate::graphql;
use crate::http_target::HttpTarget;
use crate::mask::Mask;
use crate::proxy::Proxying;
use crate::redirects::Redirects;
use crate::sending::Sending;

impl Caller {
    /// Makes a call that is one HTTP request.
    pub(crate) async fn call_http(
        &self,
        binding: &Arc<Binding>,
        target: &HttpTarget,
        request: &Request<'_>,
        mut share: Share,
        site: &mut Site,
        mask: &mut Mask,
    ) -> Result<Answer, CallErrorKind> {
        let function = &binding.name;
        let built = self.reading.build(request.bytes(), || target.build(function, request, mask));
        let mut builder = built.await?;
        request.process.add_to(&mut builder.headers);
        builder.headers.add("Idempotency-Key", request.idempotency_key);
        let timeout = Self::own_timeout(binding, request);
        builder.url = builder.address("");
        let fails_on_error_status = target.fails_on_error_status();
        let sending = Sending {
            connect_timeout: CONNECT_TIMEOUT,
            deadline: timeout.or(target.default_timeout()).unwrap_or(self.deadline),
            redirects: Redirects::default(),
            proxying: Proxying::default(),
            knows_keys: false,
            cuts_errors: fails_on_error_status,
            before_large_answer: request.before_large_answer.clone(),
        };
        let incoming = self.send(builder, sending, &mut share, mask, site).await?;
        if fails_on_error_status && !incoming.is_success() {
            hide_what_may_be_repeated(&incoming, request, mask);
            return Err(status_error(&incoming, mask));
        }
        let mut read = self.reading.read(incoming, share, HttpTarget::read).await?;
        if let (HttpTarget::GraphQl(_), Ok(values)) = (target, &read.result) {
            hide_what_may_be_repeated(&read.incoming, request, mask);
            read.result = Ok(graphql::result(values, mask)?);
        }
        outcome(read, binding, request, mask)
    }
}
