//! The loop that accepts connections, and the time limits of each.
//!
//! Promises: no connection stays open for longer than its limits allow, whatever the client does; connections beyond the
//! bound wait to be accepted; on shutdown, requests under way are answered and no connection is accepted; when the loop is
//! dropped all connections end. The first bytes of a connection decide between HTTP/1 and HTTP/2.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tower::Service;

use crate::{
    Settings,
    connection_timeouts::{ConnectionTimer, TimedStream},
};

/// Wait after an error of the listener, such as too many open files: long enough for some to be closed, too short for a
/// client to give up.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// How long a connection that has expired has for HTTP's closing messages.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// Serves the routes until `shutdown` resolves and the requests under way are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &Settings,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let stop = watch::Sender::new(false);
    let permits = Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS)));
    let limits = TimeLimits { head: settings.head_timeout, idle: settings.idle_timeout };
    let mut connections = JoinSet::new();
    loop {
        let (stream, permit) = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            () = &mut shutdown => break,
        };
        // The set keeps results of ended connections until they are joined.
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, permit, router.clone(), limits, stop.subscribe()));
    }
    drop(listener);
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// Accepts the next connection, once a permit is free.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    if permits.available_permits() == 0 {
        tracing::warn!(
            "as many connections are open as `rondo.http.max-connections` and the limit of open files allow; further ones wait"
        );
    }
    // Fails only when the semaphore is closed, which it never is.
    let permit = Arc::clone(permits).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Longest times of a connection.
#[derive(Clone, Copy)]
struct TimeLimits {
    head: Duration,
    idle: Duration,
}

async fn connection(
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
    router: Router,
    limits: TimeLimits,
    mut stop: watch::Receiver<bool>,
) {
    let _permit = permit;
    let timer = ConnectionTimer::new();
    let io = TokioIo::new(TimedStream::new(stream, Arc::clone(&timer)));
    let request_timer = Arc::clone(&timer);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let active = request_timer.start_request();
        let answer = router.clone().call(request.map(Body::new));
        async move {
            let answer = answer.await;
            drop(active);
            answer
        }
    });
    // The library's own limits are off: they begin only when it knows the version of HTTP, and treat an idle connection as
    // one whose head does not arrive.
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut connection = pin!(builder.serve_connection(io, service));
    tokio::select! {
        _ = &mut connection => return,
        () = timer.expired(limits.head, limits.idle) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(CLOSING_TIME, connection).await;
            return;
        }
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = &mut connection => {}
        () = timer.expired(limits.head, limits.idle) => {}
    }
}

/// Resolves when the loop stops or is dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
