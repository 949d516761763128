//! Plans of single tables over databases in memory, in a one-line-a-step form.

mod create;
