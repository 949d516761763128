//! What is seen on partitions and left alone: said once, with the first partition and how many there are.

use std::collections::BTreeMap;

use crate::plan::{Code, Finding};
use crate::resource::partition::Context;
use crate::sql::TableName;

/// Remarks under collection, by what they say.
#[derive(Default)]
pub(super) struct Remarks(BTreeMap<(Code, String), Vec<TableName>>);

impl Remarks {
    pub(super) fn add(&mut self, code: Code, partition: &TableName, message: String) {
        self.0.entry((code, message)).or_default().push(partition.clone());
    }

    pub(super) fn findings(self, context: &Context<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for ((code, message), mut partitions) in self.0 {
            partitions.sort();
            let Some(first) = partitions.first() else { continue };
            let message = match partitions.len() {
                1 => message,
                count => format!("{message}; the same of {} more", count - 1),
            };
            findings.push(context.finding(code, Some(first), message));
        }
        findings
    }
}
