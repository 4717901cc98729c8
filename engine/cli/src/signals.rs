//! The signals that ask the process to stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::output;

/// Resolves at SIGTERM or SIGINT.
pub(crate) async fn stop() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                output::error_line(&format!("SIGTERM cannot be listened for: {error}"));
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
