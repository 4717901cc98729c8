//! Doing what an action asks outside: OpenAPI and HTTP calls, with authentication and limits.
