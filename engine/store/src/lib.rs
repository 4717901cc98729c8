//! What is durable: instances, history, definitions; SQLite with group commit.
