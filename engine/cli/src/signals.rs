//! The signals that ask the process to stop, and the one that must not end it.

use tokio::signal::unix::{SignalKind, signal};

use crate::output;

/// Keeps SIGXFSZ from ending the process: the system sends it when a file would grow beyond the limit of the process (`ulimit -f`). With a
/// handler the write fails instead (EFBIG), and the database treats that as a full disk.
pub(crate) fn survive_size_limit(runtime: &tokio::runtime::Runtime) {
    let _inside = runtime.enter();
    let size_limit = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // The handler stays when the stream of signals is dropped.
    if let Err(error) = signal(size_limit) {
        output::error_line(&format!(
            "SIGXFSZ cannot be handled, so a file size limit ends the process: {error}"
        ));
    }
}

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
