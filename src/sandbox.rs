//! A throw-away PostgreSQL from installed binaries.
