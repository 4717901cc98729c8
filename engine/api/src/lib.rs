//! The HTTP face: workflow REST, management, Data Index GraphQL, health.
