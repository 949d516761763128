//! Plans tampered with in memory.
