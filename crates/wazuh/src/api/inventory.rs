//! What is installed, open and running on a host, as its agent last saw it.
//!
//! An agent that never connected has no inventory: that is [`Error::NotFound`](crate::Error::NotFound) with code 2007; an
//! agent that does not exist is one with code 1701.

use super::call::Call;
use super::loose::{When, record};
use super::{AgentId, Api, Feature, Listing};
use crate::error::Error;
use serde_json::{Map, Value};

record! {
    /// When the agent looked.
    pub struct ScanTime {
        /// Which scan.
        pub id: i64,
        /// When.
        pub time: When,
    }
}

record! {
    /// The operating system (`/os`).
    pub struct InventorySystem {
        /// What it is.
        pub os: OsFacts,
        /// The host's name.
        pub hostname: String,
        /// For example `x86_64`.
        pub architecture: String,
        /// For example `Linux`.
        pub sysname: String,
        /// Of the kernel.
        pub release: String,
        /// Of the kernel.
        pub version: String,
        /// When the agent looked.
        pub scan: ScanTime,
    }
}

record! {
    /// Name and version of an operating system.
    pub struct OsFacts {
        /// For example `Ubuntu`.
        pub name: String,
        /// For example `ubuntu`.
        pub platform: String,
        /// For example `22.04.4 LTS (Jammy Jellyfish)`.
        pub version: String,
        /// For example `22`.
        pub major: String,
        /// For example `04`.
        pub minor: String,
        /// For example `jammy`.
        pub codename: String,
        /// For example `19045`.
        pub build: String,
        /// For example `22H2`.
        pub display_version: String,
    }
}

record! {
    /// The machine (`/hardware`).
    pub struct Hardware {
        /// Its processor.
        pub cpu: Processor,
        /// Its memory.
        pub ram: Memory,
        /// The serial number of its board.
        pub board_serial: String,
        /// When the agent looked.
        pub scan: ScanTime,
    }
}

record! {
    /// A processor.
    pub struct Processor {
        /// For example `AMD EPYC`.
        pub name: String,
        /// How many cores.
        pub cores: u64,
        /// How fast, in MHz.
        pub mhz: f64,
    }
}

record! {
    /// Memory.
    pub struct Memory {
        /// In kB.
        pub total: u64,
        /// In kB.
        pub free: u64,
        /// In percent.
        pub usage: f64,
    }
}

record! {
    /// A package (`/packages`).
    pub struct Package {
        /// Its name.
        pub name: String,
        /// Its version.
        pub version: String,
        /// Who made it.
        pub vendor: String,
        /// For example `amd64`.
        pub architecture: String,
        /// `deb`, `rpm`, `win`, `pypi`…
        pub format: String,
        /// For example `net`.
        pub section: String,
        /// In kB.
        pub size: u64,
        /// What it is for.
        pub description: String,
        /// Where it is.
        pub location: String,
        /// When it was installed; often a local time, which is taken for UTC.
        pub install_time: When,
        /// When the agent looked.
        pub scan: ScanTime,
    }
}

record! {
    /// An open port or a connection (`/ports`).
    pub struct Port {
        /// `tcp`, `udp`, `tcp6`, `udp6`.
        pub protocol: String,
        /// This side.
        pub local: Endpoint,
        /// The other side.
        pub remote: Endpoint,
        /// For example `listening`.
        pub state: String,
        /// Whose it is.
        pub pid: u64,
        /// Whose it is.
        pub process: String,
        /// When the agent looked.
        pub scan: ScanTime,
    }
}

record! {
    /// An address and a port.
    pub struct Endpoint {
        /// The address.
        pub ip: String,
        /// The port.
        pub port: u64,
    }
}

record! {
    /// A process (`/processes`).
    pub struct Process {
        /// Its number.
        pub pid: u64,
        /// Its parent's number.
        pub ppid: u64,
        /// Its name.
        pub name: String,
        /// The program.
        pub cmd: String,
        /// Its arguments.
        pub argvs: String,
        /// For example `S`.
        pub state: String,
        /// As whom it runs.
        pub euser: String,
        /// Who began it.
        pub ruser: String,
        /// In kB.
        pub vm_size: u64,
        /// When it began, as the system counts it.
        pub start_time: u64,
        /// When the agent looked.
        pub scan: ScanTime,
    }
}

record! {
    /// An address of an interface (`/netaddr`).
    pub struct Address {
        /// Which interface.
        pub iface: String,
        /// The address.
        pub address: String,
        /// Its network.
        pub netmask: String,
        /// Its broadcast address.
        pub broadcast: String,
        /// `ipv4` or `ipv6`.
        pub proto: String,
    }
}

record! {
    /// An interface (`/netiface`).
    pub struct Interface {
        /// Its name.
        pub name: String,
        /// Its hardware address.
        pub mac: String,
        /// In bytes.
        pub mtu: u64,
        /// `up` or `down`.
        pub state: String,
        /// For example `ethernet`.
        #[serde(rename = "type")]
        pub kind: String,
        /// What it sent.
        pub tx: Map<String, Value>,
        /// What it received.
        pub rx: Map<String, Value>,
        /// When the agent looked.
        pub scan: ScanTime,
    }
}

record! {
    /// How an interface gets its way (`/netproto`).
    pub struct NetworkProtocol {
        /// Which interface.
        pub iface: String,
        /// `ipv4` or `ipv6`.
        #[serde(rename = "type")]
        pub kind: String,
        /// The way out.
        pub gateway: String,
        /// `enabled`, `disabled`, `unknown`.
        pub dhcp: String,
    }
}

record! {
    /// An update of a Windows (`/hotfixes`).
    pub struct Hotfix {
        /// For example `KB5034441`.
        pub hotfix: String,
        /// When the agent looked.
        pub scan: ScanTime,
    }
}

/// # Inventory
///
/// Wazuh server API, `GET /syscollector/{id}/…` (`syscollector:read`).
impl Api {
    /// The operating system.
    ///
    /// # Errors
    /// No answer, no permission, or nothing is known of this agent.
    pub async fn os(&self, id: &AgentId) -> Result<InventorySystem, Error> {
        self.items(&syscollector(id, "os")).await?.one()
    }

    /// The machine.
    ///
    /// # Errors
    /// No answer, no permission, or nothing is known of this agent.
    pub async fn hardware(&self, id: &AgentId) -> Result<Hardware, Error> {
        self.items(&syscollector(id, "hardware")).await?.one()
    }

    /// Packages; filters `name`, `vendor`, `architecture`, `format`, `version`.
    ///
    /// ```
    /// # async fn example(api: wazuh::api::Api) -> Result<(), Box<dyn std::error::Error>> {
    /// let host = "001".parse()?;
    /// println!("{:?}", api.os(&host).await?.os);
    /// for package in api.packages(&host).with("name", "openssl").all().await? {
    ///     println!("{:?} {:?}", package.name, package.version);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn packages(&self, id: &AgentId) -> Listing<Package> {
        Listing::new(self, syscollector(id, "packages"), "name,version,architecture,format,location")
    }

    /// Ports; filters `pid`, `protocol`, `local.ip`, `local.port`, `remote.ip`, `state`, `process`.
    pub fn ports(&self, id: &AgentId) -> Listing<Port> {
        Listing::new(self, syscollector(id, "ports"), "local.port,protocol,local.ip,remote.ip,remote.port,inode,pid")
    }

    /// Processes.
    pub fn processes(&self, id: &AgentId) -> Listing<Process> {
        Listing::new(self, syscollector(id, "processes"), "pid")
    }

    /// Addresses of interfaces.
    pub fn addresses(&self, id: &AgentId) -> Listing<Address> {
        Listing::new(self, syscollector(id, "netaddr"), "iface,address")
    }

    /// Interfaces.
    pub fn interfaces(&self, id: &AgentId) -> Listing<Interface> {
        Listing::new(self, syscollector(id, "netiface"), "name")
    }

    /// Gateways and whether addresses are given by DHCP.
    pub fn network_protocols(&self, id: &AgentId) -> Listing<NetworkProtocol> {
        Listing::new(self, syscollector(id, "netproto"), "iface,type")
    }

    /// Updates of a Windows.
    pub fn hotfixes(&self, id: &AgentId) -> Listing<Hotfix> {
        Listing::new(self, syscollector(id, "hotfixes"), "hotfix")
    }

    /// The people who have an account there, nested as the server has them (4.14).
    pub fn users(&self, id: &AgentId) -> Listing<Map<String, Value>> {
        self.of_people(id, "users", "user.name,user.id")
    }

    /// The groups of people there, nested as the server has them (4.14).
    pub fn user_groups(&self, id: &AgentId) -> Listing<Map<String, Value>> {
        self.of_people(id, "groups", "group.name,group.id")
    }

    /// Services, nested as the server has them (4.14).
    pub fn services(&self, id: &AgentId) -> Listing<Map<String, Value>> {
        self.of_people(id, "services", "service.name,service.id")
    }

    /// What was added to browsers, nested as the server has it (4.14).
    pub fn browser_extensions(&self, id: &AgentId) -> Listing<Map<String, Value>> {
        self.of_people(id, "browser_extensions", "browser.name,package.name,package.id,user.id")
    }

    fn of_people(&self, id: &AgentId, what: &str, sort: &'static str) -> Listing<Map<String, Value>> {
        Listing::new(self, syscollector(id, what), sort).needs(Feature::People)
    }
}

fn syscollector(id: &AgentId, what: &str) -> Call {
    Call::get(&["syscollector", id.as_str(), what], "syscollector:read")
}
