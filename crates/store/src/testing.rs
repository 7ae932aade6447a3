//! For tests alone: a PostgreSQL server of their own, a pooler before it, and a database for each test.
//!
//! The server runs from the binaries that Debian's `postgresql` installs, in a temporary folder, as a user who is not root. It ends, and its
//! folder goes, with the process that started it, however that ends: a shell waits for the end of a pipe that the process holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::{Place, Server};

/// The two kinds of databases that the suite is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A database for one test; it goes when the test ends.
pub enum Database {
    File(tempfile::TempDir),
    Postgres(Own),
}

impl Database {
    /// An empty one.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::File(tempfile::tempdir().unwrap()),
            Kind::Postgres => Self::Postgres(cluster().database()),
        }
    }

    pub fn place(&self) -> Place {
        match self {
            Self::File(folder) => Place::File(folder.path().join("socme.db")),
            Self::Postgres(own) => Place::Postgres(own.server()),
        }
    }

    /// Changes it behind the store's back.
    pub fn tamper(&self, sql: &str) {
        match self {
            Self::File(folder) => {
                let path = folder.path().join("socme.db");
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
            }
            Self::Postgres(own) => apart(|| own.connect().batch_execute(sql).unwrap()),
        }
    }

    /// All bytes that it has on the disk.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::File(folder) => std::fs::read(folder.path().join("socme.db")).unwrap(),
            Self::Postgres(own) => {
                let dump = Command::new(binary("pg_dump")).arg(own.url()).output().unwrap();
                assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
                dump.stdout
            }
        }
    }
}

/// A database of one test on a server.
pub struct Own {
    port: u16,
    name: String,
}

impl Own {
    pub fn url(&self) -> String {
        url(self.port, &self.name)
    }

    /// The same through something that listens on another port.
    pub fn url_by(&self, port: u16) -> String {
        url(port, &self.name)
    }

    pub fn server(&self) -> Server {
        Server { url: self.url(), ..Server::default() }
    }

    /// A connection of the test's own.
    pub fn connect(&self) -> postgres::Client {
        connect(&self.url())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let (port, name) = (self.port, std::mem::take(&mut self.name));
        // Not here: there may be an asynchronous runtime around.
        std::thread::spawn(move || {
            if let Ok(mut client) = postgres::Client::connect(&url(port, "postgres"), postgres::NoTls) {
                let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            }
        });
    }
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://socme@127.0.0.1:{port}/{database}")
}

fn connect(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).unwrap()
}

/// The server that all tests of this process share.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| apart(|| Cluster::start(false)))
}

/// Runs something that waits on a thread of its own: whoever calls may be in the midst of an asynchronous runtime.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// A server.
pub struct Cluster {
    folder: PathBuf,
    pub port: u16,
    durable: bool,
    running: Mutex<Option<Child>>,
    made: Mutex<bool>,
}

impl Cluster {
    /// A server of the caller's own; `durable`: what it commits is on the disk.
    pub fn start(durable: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("socme-postgres-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((user, group)) = servant() {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
        }
        let data = folder.join("data");
        let made = as_servant(&binary("initdb"))
            .args(["--username=socme", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(&data)
            .current_dir("/")
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let cluster = Self { folder, port: free_port(), durable, running: Mutex::new(None), made: Mutex::new(false) };
        cluster.run();
        cluster
    }

    /// Starts it (again), and waits until it answers.
    pub fn run(&self) {
        let durable = if self.durable { "on" } else { "off" };
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        // The shell ends the server when the pipe ends, and takes the folder away unless it is told to keep it.
        let script =
            "\"$@\" & server=$!; keep=; read -r keep; kill -INT $server; wait $server; [ \"$keep\" ] || rm -rf \"$0\"";
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(&self.folder);
        let server = as_servant(&binary("postgres"));
        shell.arg(server.get_program()).args(server.get_args());
        shell.arg("-D").arg(self.folder.join("data"));
        shell.arg("-k").arg(&self.folder).args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        for setting in [
            format!("fsync={durable}").as_str(),
            "max_connections=500",
            if self.durable { "shared_buffers=1GB" } else { "shared_buffers=128MB" },
            "max_wal_size=2GB",
            "max_locks_per_transaction=256",
            "log_min_messages=warning",
            "log_min_error_statement=error",
        ] {
            shell.args(["-c", setting]);
        }
        // A group of its own: a Ctrl-C at the terminal is for the test, and ends this with it.
        shell.process_group(0).stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).current_dir("/");
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(shell.spawn().unwrap());
        let began = Instant::now();
        while postgres::Client::connect(&url(self.port, "postgres"), postgres::NoTls).is_err() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(30), "the server does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it and keeps its data.
    pub fn stop(&self) {
        if let Some(mut shell) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            shell.stdin.take().unwrap().write_all(b"keep\n").unwrap();
            shell.wait().unwrap();
        }
    }

    /// An empty database with all tables.
    pub fn database(&self) -> Own {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        apart(|| {
            // One at a time: a template is copied by one only.
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            let mut client = connect(&url(self.port, "postgres"));
            if !*made {
                client.batch_execute("CREATE DATABASE empty").unwrap();
                let place = crate::engine::postgresql::place::Place::new(&url(self.port, "empty"), None, None).unwrap();
                crate::engine::postgresql::migrate::migrate(&place).unwrap();
                *made = true;
            }
            let began = Instant::now();
            while let Err(error) = client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE empty")) {
                assert!(began.elapsed() < Duration::from_secs(10), "{error}");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Own { port: self.port, name }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut shell) = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }
}

/// PgBouncer in transaction mode before a server.
pub struct Pooler {
    pub port: u16,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Pooler {
    pub fn start(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let (settings, users) = (folder.path().join("pgbouncer.ini"), folder.path().join("users"));
        std::fs::write(&users, "\"socme\" \"\"\n").unwrap();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\nmax_client_conn = 500\n\
             default_pool_size = 8\nserver_reset_query =\nignore_startup_parameters = extra_float_digits\n",
            cluster.port,
            users.display()
        );
        std::fs::write(&settings, text).unwrap();
        if let Some((user, group)) = servant() {
            for path in [folder.path(), &settings, &users] {
                std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
            }
        }
        let path = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter().find(|path| Path::new(path).exists());
        let path = path.expect("pgbouncer is missing: run scripts/setup test");
        let child = as_servant(Path::new(path))
            .arg("--quiet")
            .arg(&settings)
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "the pooler does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, child, _folder: folder }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of PostgreSQL's, of the latest version that is installed.
pub fn binary(name: &str) -> PathBuf {
    let versions =
        std::fs::read_dir("/usr/lib/postgresql").map(|all| all.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .into_iter()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name))))
        .filter(|(_, path)| path.exists())
        .collect();
    versions.sort();
    versions.pop().expect("PostgreSQL is missing: run scripts/setup test").1
}

/// As whom the server runs: it refuses root.
fn servant() -> Option<(u32, u32)> {
    let id = |what: &str, who: &str| -> Option<u32> {
        let output = Command::new("id").args([what, who]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    let me = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap();
    if me.trim() != "0" {
        return None;
    }
    ["postgres", "nobody"].into_iter().find_map(|who| Some((id("-u", who)?, id("-g", who)?)))
}

fn as_servant(program: &Path) -> Command {
    match servant() {
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command
                .args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups", "--"])
                .arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
