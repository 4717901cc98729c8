//! Accepts connections and enforces the limits of each.
//!
//! Promises: no connection stays open longer than its limits allow, whatever the client does. At the limit of open connections, one that only
//! waits for its client is closed, of the address that has most; if all are being answered, further ones wait to be accepted. On shutdown the
//! loop accepts no connection and answers the requests under way; when it is dropped, all connections end. The first bytes of a connection decide
//! between HTTP/1 and HTTP/2.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tower::Service;

use crate::{
    app::App,
    connection_timeouts::{Arriving, TimeLimits, TimedStream},
    open_connections::{Entry, OpenConnections},
    paced_body::{Pace, PacedBody},
};

/// Wait after an error of the listener, such as too many open files: long enough for some files to be closed, and short enough that clients do
/// not give up.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Time that an expired connection has for HTTP's closing messages.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// The same for a connection that is closed in favour of a new one; short, because the new one waits meanwhile.
const GIVING_WAY_TIME: Duration = Duration::from_millis(20);

/// Longest head of a request in bytes; a longer one is answered 431. Twice what Node.js and Quarkus take; it also bounds the read buffer of a
/// connection.
pub(crate) const LONGEST_HEAD: usize = 32 * 1024;

/// Most headers of a request; more are answered 431.
const MOST_HEADERS: usize = 100;

/// Most requests at once over one connection of HTTP/2. Each takes the memory of a request, and a connection serves one client.
const MOST_STREAMS: u32 = 64;

/// Flow control: bytes that one stream of HTTP/2, and one connection, may send before the engine has read them.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// The state that all connections share.
#[derive(Clone)]
struct Common {
    router: Router,
    limits: TimeLimits,
    pace: Pace,
}

/// Serves the routes until `shutdown` resolves and the requests under way are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    app: &App,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let stop = watch::Sender::new(false);
    let (settings, open) = (&app.settings, &app.connections);
    let common = Common {
        router,
        limits: TimeLimits {
            head: settings.head_timeout,
            idle: settings.idle_timeout,
            piece: settings.write_timeout,
        },
        pace: Pace { pause: settings.write_timeout, rate: settings.min_rate },
    };
    let mut connections = JoinSet::new();
    loop {
        let (stream, entry) = tokio::select! {
            accepted = accept(&listener, open) => accepted,
            () = &mut shutdown => break,
        };
        // The set keeps results of ended connections until they are joined.
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, entry, common.clone(), stop.subscribe()));
    }
    drop(listener);
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// Accepts the next connection, and waits until one more may be open.
async fn accept(listener: &TcpListener, open: &Arc<OpenConnections>) -> (TcpStream, Entry) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let entry = open.enter(canonical(peer)).await;
                return (stream, entry);
            }
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; trying again");
                open.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn canonical(peer: SocketAddr) -> std::net::IpAddr {
    peer.ip().to_canonical()
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, entry: Entry, common: Common, mut stop: watch::Receiver<bool>) {
    let Common { router, limits, pace } = common;
    let timer = entry.timer();
    let io = TokioIo::new(TimedStream::new(stream, Arc::clone(timer)));
    let request_timer = Arc::clone(timer);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        let timer = Arc::clone(&request_timer);
        let active = timer.start_request();
        request.extensions_mut().insert(Arriving(Arc::clone(&timer)));
        let answer = router.clone().call(request.map(Body::new));
        async move {
            let answer = answer.await;
            answer.map(|answer| answer.map(|body| PacedBody::new(body, timer, active, pace)))
        }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(io, service));
    let closing_time = tokio::select! {
        _ = &mut connection => return,
        () = timer.expired(limits) => CLOSING_TIME,
        () = entry.gives_way() => GIVING_WAY_TIME,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                _ = &mut connection => {}
                () = timer.expired(limits) => {}
            }
            return;
        }
    };
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(closing_time, connection).await;
}

/// HTTP with bounded buffers. The library's own time limits are off, because they begin only when the library knows the version of HTTP, and
/// treat an idle connection as one whose head does not arrive. The library itself ends connections of HTTP/2 that reset streams, or send empty
/// frames, without end.
fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
    builder
        .http2()
        .max_concurrent_streams(MOST_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX))
        .max_send_buf_size(LONGEST_HEAD);
    builder
}

/// Resolves when the accepting loop stops or is dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
