//! The routes, and the layers around all of them.

use std::{any::Any, future::Future, net::IpAddr, sync::Arc};

use axum::{
    Router,
    http::{Method, StatusCode, Uri},
    middleware,
    response::{IntoResponse, Response},
};
use rondo_definition::PropertyError;
use rondo_handles::HandleBudget;
use rondo_runtime::Engine;
use tokio::net::TcpListener;
use tower::Layer as _;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, predicate::SizeAbove},
    normalize_path::NormalizePathLayer,
};

use crate::{
    Settings,
    app::App,
    auth::{self, Token},
    connections,
    cross_site::{self, Guard},
    database_probe::DatabaseProbe,
    errors::ErrorAnswer,
    event_lists, events,
    graphql::{self, SchemaError},
    health, inspect, instances, management, metrics,
    open_connections::OpenConnections,
    openapi,
    own_hosts::OwnHosts,
    pages,
    request_memory::RequestMemory,
    schedules,
};

/// Answers larger than this are compressed for clients that accept it. Lists of instances are larger; compressing the answer about a single
/// instance costs more time than it saves.
const COMPRESSED_FROM_BYTES: u64 = 8 * 1024;

/// Why serving did not begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A property has a wrong value.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// The `GraphQL` schema cannot be built.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The listener has no address.
    #[error("the address of the listener is not known")]
    Listener(#[from] std::io::Error),
}

/// All routes of an engine that listens at an address. Slashes at the end of a path, and more than one at its beginning, are ignored.
fn router(app: App, beside: Router, listener: IpAddr) -> Result<Router, SchemaError> {
    let tokens: Arc<[Token]> = app.settings.tokens.clone().into();
    let hosts = OwnHosts::new(listener, app.engine.service_url(), &app.settings.allowed_hosts);
    let guard = Guard::new(tokens.is_empty().then_some(hosts));
    let graphql = graphql::routes(&app.engine)?;
    let channel_paths = events::paths(&app.engine);
    let mut router = Router::new()
        .merge(pages::routes())
        .merge(events::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(openapi::routes())
        .merge(graphql)
        .merge(management::routes())
        .merge(inspect::routes())
        .merge(event_lists::routes())
        .merge(schedules::routes())
        .merge(instances::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(app.clone());
    if !channel_paths.is_empty() {
        router = router.layer(middleware::from_fn_with_state(app, events::at_channels));
    }
    if !tokens.is_empty() {
        router = router.layer(middleware::from_fn_with_state(tokens, auth::guard));
    }
    let routes = router
        .merge(beside)
        .layer(middleware::from_fn_with_state(guard, cross_site::guard))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_FROM_BYTES)))
        .layer(CatchPanicLayer::custom(panicked));
    // Outside of the router, because the path must be normalized before the router chooses a route. A client whose configured address ends with a
    // slash requests `//graphql`; others add a slash at the end.
    Ok(Router::new().fallback_service(NormalizePathLayer::trim_trailing_slash().layer(routes)))
}

/// Serves an engine until `shutdown` resolves and the requests under way are answered. Reads the settings from the engine's properties. Dropping
/// the future closes the connections that are still open.
pub async fn serve(
    engine: Engine,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    serve_beside(engine, Router::new(), listener, shutdown).await
}

/// Serves an engine as [`serve`] does, and other routes beside its own. These decide themselves who may call them: the tokens of the engine are
/// not asked for, all else that holds for requests does.
pub async fn serve_beside(
    engine: Engine,
    beside: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let mut settings = Settings::read(engine.properties())?;
    // The process has no file handles for more connections: the listener could not accept them, or they would take handles from the database and
    // calls.
    settings.max_connections = settings.max_connections.min(HandleBudget::of_process().connections);
    let app = App {
        memory: RequestMemory::new(engine.memory()),
        connections: OpenConnections::new(settings.max_connections, engine.memory()),
        database: DatabaseProbe::new(),
        settings: Arc::new(settings),
        engine,
    };
    let router = router(app.clone(), beside, listener.local_addr()?.ip())?;
    tokio::select! {
        () = connections::serve(listener, router, &app, shutdown) => {}
        () = app.database.run(&app.engine) => {}
    }
    Ok(())
}

async fn unknown_path(uri: Uri) -> ErrorAnswer {
    ErrorAnswer::not_found(format!("there is nothing at {}", uri.path()))
}

async fn unknown_method(method: Method, uri: Uri) -> ErrorAnswer {
    ErrorAnswer::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
}

/// Answers a panic of a handler. Only the log gets the text of the panic.
#[allow(clippy::needless_pass_by_value, reason = "the signature is given by tower-http")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    tracing::error!(panic = text, "a request ended in a defect of the engine");
    ErrorAnswer::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the request met a defect of the engine; its log says more",
    )
    .into_response()
}
