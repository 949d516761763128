//! The binary: arguments, output, signals, exit codes.

#[allow(dead_code, reason = "`validate` and every command that loads a policy call it")]
pub(crate) mod diagnostics;
