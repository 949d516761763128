//! `pgstrata`: see the library.

mod cli;

fn main() {}
