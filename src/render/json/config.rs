//! Advice on settings → document.

use serde::Serialize;

use super::write::pretty;
use crate::plan::PLAN_FORMAT;
use crate::report::config::Advice;

#[derive(Serialize)]
struct ConfigDocument<'a> {
    format_version: &'a str,
    #[serde(flatten)]
    advice: &'a Advice,
}

/// The advice as a document: pretty, ending in a newline.
pub fn config(advice: &Advice) -> String {
    pretty(&ConfigDocument { format_version: PLAN_FORMAT, advice })
}
