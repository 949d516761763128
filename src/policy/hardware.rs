//! What a policy declares of the server's machine. Nothing is planned by it: only advice is.

use std::fmt;

use serde::Serialize;

/// The machine as declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hardware {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Processors.
    pub cpus: Option<u32>,
    /// What its data is on.
    pub storage: Option<Storage>,
    /// What it is used for.
    pub workload: Option<Workload>,
    /// Connections at once.
    pub connections: Option<u32>,
}

/// What data is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// Disks that turn.
    Hdd,
    /// Solid state, by SATA or SAS.
    Ssd,
    /// Solid state, by PCIe.
    Nvme,
    /// A storage network, or a cloud's volumes.
    San,
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hdd => "hdd",
            Self::Ssd => "ssd",
            Self::Nvme => "nvme",
            Self::San => "san",
        })
    }
}

/// What a server is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// Many short reads.
    Web,
    /// Many short transactions.
    Oltp,
    /// Few, long queries.
    Warehouse,
    /// Some of each.
    Mixed,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Web => "web",
            Self::Oltp => "oltp",
            Self::Warehouse => "warehouse",
            Self::Mixed => "mixed",
        })
    }
}
