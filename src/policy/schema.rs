//! The policy language as JSON Schema, for editors.

use schemars::generate::SchemaSettings;

use super::spec::PolicySpec;

/// JSON Schema of a policy file: draft-07, which every editor's YAML support reads.
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<PolicySpec>().to_value()
}
