//! The server's machine.

use super::super::spec::{HardwareSpec, StorageSpec, WorkloadSpec};
use super::super::units::size;
use super::super::{Hardware, Policy, PolicyPath, Storage, Workload};
use super::Checks;

/// Less than this no server of today runs with.
const LEAST_MEMORY: u64 = 64 << 20;

impl Policy {
    /// The machine as the policy declares it; what is wrong with it, [`Policy::resolve`] says.
    pub fn hardware(&self) -> Hardware {
        hardware(&mut Checks::default(), self.spec().hardware.as_ref())
    }
}

pub(super) fn hardware(checks: &mut Checks, spec: Option<&HardwareSpec>) -> Hardware {
    let Some(HardwareSpec { memory, cpus, storage, workload, connections }) = spec else {
        return Hardware::default();
    };
    let path = PolicyPath::of(["hardware"]);
    let memory = memory.as_ref().and_then(|text| checks.keep(&path.key("memory"), size(text.as_ref())));
    if memory.is_some_and(|memory| memory < LEAST_MEMORY) {
        checks.at(&path.key("memory"), "at least 64MB");
    }
    for (key, value, most) in [("cpus", *cpus, 4096), ("connections", *connections, 262_143)] {
        if value.is_some_and(|value| value == 0 || value > most) {
            checks.at(&path.key(key), format!("from 1 to {most}"));
        }
    }
    Hardware {
        memory,
        cpus: *cpus,
        storage: storage.map(|storage| match storage {
            StorageSpec::Hdd => Storage::Hdd,
            StorageSpec::Ssd => Storage::Ssd,
            StorageSpec::Nvme => Storage::Nvme,
            StorageSpec::San => Storage::San,
        }),
        workload: workload.map(|workload| match workload {
            WorkloadSpec::Web => Workload::Web,
            WorkloadSpec::Oltp => Workload::Oltp,
            WorkloadSpec::Warehouse => Workload::Warehouse,
            WorkloadSpec::Mixed => Workload::Mixed,
        }),
        connections: *connections,
    }
}
