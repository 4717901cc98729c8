//! The loop that takes connections, and what each may take of time.
//!
//! Promises: no connection stays for longer than its times allow, whatever the client does; more connections than the bound wait
//! to be taken; when told to stop, requests under way are answered and nothing new is taken; when the loop is
//! dropped all connections end. HTTP/1 and HTTP/2 are told apart by what comes first.

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
    watched::{Watch, Watched},
};

/// Wait after an error of the listener, such as too many open files: some may be closed by then.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// How long a connection that has expired gets to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves the routes until `shutdown` resolves and the requests under way are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &Settings,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let stop = watch::Sender::new(false);
    let seats = Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS)));
    let times = Times { head: settings.head_timeout, idle: settings.idle_timeout };
    let mut connections = JoinSet::new();
    loop {
        let (stream, seat) = tokio::select! {
            taken = take(&listener, &seats) => taken,
            () = &mut shutdown => break,
        };
        // Those that have ended are forgotten.
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, seat, router.clone(), times, stop.subscribe()));
    }
    drop(listener);
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// The next connection, when there is room for it.
async fn take(listener: &TcpListener, seats: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    if seats.available_permits() == 0 {
        tracing::warn!("as many connections are open as `rondo.http.max-connections` allows; others wait");
    }
    // The semaphore is never closed, so there always is a seat in the end.
    let seat = Arc::clone(seats).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, seat),
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Longest times of a connection.
#[derive(Clone, Copy)]
struct Times {
    head: Duration,
    idle: Duration,
}

async fn connection(
    stream: TcpStream,
    seat: Option<OwnedSemaphorePermit>,
    router: Router,
    times: Times,
    mut stop: watch::Receiver<bool>,
) {
    let _seat = seat;
    let watch = Watch::new();
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&watch)));
    let watched = Arc::clone(&watch);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let at_work = watched.work();
        let answer = router.clone().call(request.map(Body::new));
        async move {
            let answer = answer.await;
            drop(at_work);
            answer
        }
    });
    // The library's own times are not used: they begin only when it knows which HTTP it is, and take an idle connection for
    // one whose head does not come.
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut connection = pin!(builder.serve_connection(io, service));
    tokio::select! {
        _ = &mut connection => return,
        () = watch.expired(times.head, times.idle) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FAREWELL, connection).await;
            return;
        }
        () = told(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = &mut connection => {}
        () = watch.expired(times.head, times.idle) => {}
    }
}

/// Resolves when the loop stops, or is gone.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
