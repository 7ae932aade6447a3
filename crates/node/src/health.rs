//! How the machine is.

use std::path::{Path, PathBuf};

use sysinfo::{Components, Disks, ProcessRefreshKind, ProcessesToUpdate, System};
use wire::status::MachineStatus;

/// Asks the system, once per heartbeat.
pub struct Machine {
    system: System,
    disks: Disks,
    components: Components,
    data: PathBuf,
}

impl Machine {
    /// For the disk that `data` is on.
    ///
    /// # Errors
    /// When the system cannot be asked.
    pub fn new(data: &Path) -> Result<Self, sysinfo::Error> {
        let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        Ok(Self {
            system: System::new()?,
            disks: Disks::new_with_refreshed_list()?,
            components: Components::new_with_refreshed_list()?,
            data,
        })
    }

    /// How the machine is now. Processor use is that since the last question.
    pub fn look(&mut self) -> MachineStatus {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.disks.refresh(true);
        self.components.refresh(true);
        let own = sysinfo::get_current_pid().ok();
        if let Some(pid) = own {
            let what = ProcessRefreshKind::nothing().with_memory();
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
        }
        let disk = self
            .disks
            .iter()
            .filter(|disk| self.data.starts_with(disk.mount_point()))
            .max_by_key(|disk| disk.mount_point().as_os_str().len());
        let temperature = self.components.iter().filter_map(sysinfo::Component::temperature);
        MachineStatus {
            cpu: f64::from(self.system.global_cpu_usage()) / 100.0,
            memory_used: self.system.used_memory(),
            memory_total: self.system.total_memory(),
            memory_node: own.and_then(|pid| self.system.process(pid)).map_or(0, sysinfo::Process::memory),
            disk_used: disk.map_or(0, |disk| disk.total_space().saturating_sub(disk.available_space())),
            disk_total: disk.map_or(0, sysinfo::Disk::total_space),
            temperature: temperature.filter(|t| t.is_finite()).reduce(f32::max),
            uptime: System::uptime().unwrap_or(0),
        }
    }
}
