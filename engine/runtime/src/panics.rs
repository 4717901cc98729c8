//! Catches panics of futures, so that the caller can go on after a defect.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

/// Runs a future, and returns a panic in it as an error. Values that the future was changing may be half changed, so the caller must drop
/// what it shares with the future.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

/// The message of a panic, or `no text` if it has none.
pub(crate) fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_that_says_what_it_said() {
        assert_eq!(caught(async { 1 }).await.ok(), Some(1));
        let panic = caught(async {
            tokio::task::yield_now().await;
            panic!("number {}", 7)
        });
        let panic: Result<(), _> = panic.await;
        assert_eq!(text(&*panic.unwrap_err()), "number 7");
    }
}
