//! Tokens, principals and the ownership record in SQLite.
