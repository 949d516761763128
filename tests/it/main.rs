//! Tests against real servers: one server for the whole run, one database a test.
#![allow(clippy::disallowed_methods, reason = "tests start servers, wait and read files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panic"
)]

mod advice;
mod bad_input;
mod catalog;
mod catalog_ask;
mod citus;
mod cli;
mod client_limits;
mod connect;
mod crash;
mod crash_world;
mod default_rows;
mod encodings;
mod ends;
mod examples;
mod exits;
mod exits_of_apply;
mod exits_of_signals;
mod fault;
mod fault_facts;
mod fault_saved;
mod grants;
mod help_examples;
mod hold_spelling;
mod holds;
mod import;
mod import_cli;
mod import_lookalike;
mod import_partman;
mod index_comment_bytes;
mod index_fault;
mod index_kill;
mod index_locks;
mod index_names;
mod index_on_most;
mod index_parallel;
mod index_reindex;
mod index_slow;
mod index_undefined;
mod index_validate;
mod interrupt;
mod journal;
mod known_offline;
mod limits;
mod lock_slots;
mod locks;
mod machine;
mod maintenance;
mod maintenance_remote;
mod names;
mod network;
mod passing_lock;
mod pasted;
mod policies;
mod policy_env;
mod pooler;
mod pooler_config;
mod reads;
mod recipes;
mod removal;
mod sandbox;
mod saved_blocked;
mod saved_default;
mod scenarios;
mod schemas;
mod script;
mod sessions;
mod settings;
mod settings_danger;
mod settings_edges;
mod settings_placeholders;
mod siblings;
mod standby;
mod storage;
mod support;
mod trust;
mod trust_index;
mod unmarked;
mod unmet;
mod unread;
mod wire;
