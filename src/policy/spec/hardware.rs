//! What the YAML says of the machine that the server runs on.

use serde::{Deserialize, Serialize};

use super::Size;

/// The server's machine, for `optimize config`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "cli", schemars(deny_unknown_fields))]
pub struct HardwareSpec {
    /// Memory that the server may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// Processors that the server may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 4096)))]
    pub cpus: Option<u32>,
    /// What its data is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageSpec>,
    /// What it is used for; `mixed` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadSpec>,
    /// Connections at once; by default what the server allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 262_143)))]
    pub connections: Option<u32>,
}

/// What data is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum StorageSpec {
    /// Disks that turn.
    Hdd,
    /// Solid state, by SATA or SAS.
    Ssd,
    /// Solid state, by PCIe.
    Nvme,
    /// A storage network, or a cloud's volumes.
    San,
}

/// What a server is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum WorkloadSpec {
    /// Many short reads.
    Web,
    /// Many short transactions.
    Oltp,
    /// Few, long queries.
    Warehouse,
    /// Some of each.
    Mixed,
}
