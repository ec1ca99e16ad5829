//! A server of Firebird of our own, a database in it, and clients that keep moving money.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process_group};
use strongroom::databases::firebird::{Address, Firebird, Folders, Header, Login, Method, Password, State};

use crate::needs::skip;

const PROGRAM: &str = "/usr/sbin/firebird";
const ROOT: &str = "/usr/lib/x86_64-linux-gnu/firebird/3.0";
const SECURITY: &str = "/var/lib/firebird/3.0/system/security3.fdb";
pub const ACCOUNTS: u64 = 1000;
pub const CLIENTS: u64 = 2;

/// A server and its folder. Both go at the end.
pub struct Server {
    pub folder: tempfile::TempDir,
    pub port: u16,
    child: Option<Child>,
}

impl Server {
    /// None where Firebird is not installed, or this user may not become the one that it runs as.
    #[track_caller]
    pub fn start(mode: &str) -> Option<Self> {
        let tools = ["isql-fb", "nbackup", "gbak", "gfix"].iter().all(|tool| Path::new("/usr/bin").join(tool).is_file());
        if !tools || !Path::new(PROGRAM).is_file() || !Path::new(SECURITY).is_file() || !rustix::process::geteuid().is_root() {
            skip("firebird");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["its", "locks", "data", "state", "scratch"] {
            fs::create_dir(path(name)).unwrap();
        }
        for name in ["plugins", "intl", "plugins.conf", "firebird.msg"] {
            succeed(Command::new("cp").args(["-rL", &format!("{ROOT}/{name}")]).arg(path("its")));
        }
        fs::copy(SECURITY, path("its/security3.fdb")).unwrap();
        fs::write(path("its/databases.conf"), "").unwrap();
        // Free now, and nobody else looks for one in the moment until the server has it.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let security = path("its/security3.fdb");
        let settings = format!(
            "RemoteServicePort = {port}\nRemoteBindAddress = 127.0.0.1\nSecurityDatabase = {}\nIpcName = strongroom{port}\n\
             AuthServer = Srp\nAuthClient = Srp\nUserManager = Srp\nServerMode = {mode}\n",
            security.display()
        );
        fs::write(path("its/firebird.conf"), settings).unwrap();
        let mut server = Self { folder, port, child: None };
        let user = "create or alter user SYSDBA password 'x' using plugin Srp;\n";
        let made = server.isql(&security.display().to_string(), user, false);
        assert!(!made.contains("SQLSTATE"), "{made}");
        succeed(Command::new("chown").args(["-R", "firebird:firebird"]).args(["its", "locks", "data"].map(|name| server.path(name))));
        server.start_again();
        Some(server)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it, and waits until it answers.
    pub fn start_again(&mut self) {
        let child = Command::new("setpriv")
            .args(["--reuid=firebird", "--regid=firebird", "--clear-groups", PROGRAM])
            .envs(self.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        self.child = Some(child);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(self.child.as_mut().unwrap().try_wait().unwrap().is_none(), "the server has ended");
            std::thread::yield_now();
        }
    }

    /// SIGKILL for it and all that it started.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill_group(child.id());
            child.wait().unwrap();
        }
    }

    pub fn variables(&self) -> Vec<(String, String)> {
        let text = |name: &str| self.path(name).display().to_string();
        vec![("FIREBIRD".to_owned(), text("its")), ("FIREBIRD_LOCK".to_owned(), text("locks")), ("FIREBIRD_TMP".to_owned(), text("locks"))]
    }

    pub fn address(&self, file: &Path) -> String {
        format!("localhost/{}:{}", self.port, file.display())
    }

    /// Runs statements, and returns what is printed.
    pub fn isql(&self, address: &str, statements: &str, with_password: bool) -> String {
        let mut command = Command::new("isql-fb");
        command.args(["-quiet", "-bail", address]).envs(self.variables()).env("ISC_USER", "SYSDBA").env_remove("ISC_PASSWORD");
        if with_password {
            command.env("ISC_PASSWORD", "x");
        }
        feed(&mut command, statements)
    }

    /// Runs statements in a database of the server; they must succeed.
    #[track_caller]
    pub fn sql(&self, file: &Path, statements: &str) -> String {
        let text = self.isql(&self.address(file), statements, true);
        assert!(!text.contains("SQLSTATE"), "{text}");
        text
    }

    /// Makes the bank: accounts of 100 each, and about `mib` MiB beside them.
    pub fn bank(&self, file: &Path, mib: u64) {
        let rows = mib * 400;
        let statements = format!(
            "create database '{}' page_size 8192;\n\
             create table account(n integer primary key, money bigint not null);\n\
             create table moved(client integer not null, n integer not null);\n\
             create table marker(name varchar(30) not null);\n\
             create table page(n integer primary key, content varchar(2400) character set octets);\ncommit;\nset term ^;\n\
             execute block as declare i integer = 0; begin while (i < {ACCOUNTS}) do begin \
             insert into account values (:i, 100); i = i + 1; end end^\ncommit^\n\
             execute block as declare i integer = 0; declare j integer; declare t varchar(2400) character set octets; begin \
             while (i < {rows}) do begin t = ''; j = 0; while (j < 150) do begin t = t || gen_uuid(); j = j + 1; end \
             insert into page values (:i, :t); i = i + 1; end end^\nset term ;^\ncommit;\n",
            self.address(file)
        );
        let mut command = Command::new("isql-fb");
        command.args(["-quiet", "-bail"]).envs(self.variables()).env("ISC_USER", "SYSDBA").env("ISC_PASSWORD", "x");
        let text = feed(&mut command, &statements);
        assert!(!text.contains("SQLSTATE"), "{text}");
    }

    /// The database as it is saved.
    pub fn firebird(&self, file: &Path, method: Method) -> Firebird {
        let address = Address::parse(&self.address(file)).unwrap();
        let login = Login { user: "SYSDBA".to_owned(), password: Password::Bytes(b"x".to_vec().into()) };
        let folders = Folders { state: self.path("state"), scratch: self.path("scratch") };
        let mut firebird = Firebird::new("store", address, login, method, folders);
        firebird.variables = self.variables();
        firebird.limits.delta_room_bytes = 1 << 20;
        firebird
    }

    /// Records of locks that are there.
    pub fn records(&self) -> usize {
        fs::read_dir(self.path("state/firebird-locks")).map_or(0, |entries| entries.count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn kill_group(id: u32) {
    let _ = kill_process_group(Pid::from_raw(id as i32).unwrap(), Signal::KILL);
}

#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn feed(command: &mut Command, statements: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that gives up early says why.
    let _ = child.stdin.take().unwrap().write_all(statements.as_bytes());
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What is in the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub money: u64,
    pub moved: Vec<u64>,
    pub pages: u64,
    pub markers: Vec<String>,
}

const QUESTION: &str = "set list on;\nselect sum(money) MONEY from account;\nselect count(*) PAGES from page where content <> '';\n\
    select (select count(*) from moved where client = 0) MOVED0, (select count(*) from moved where client = 1) MOVED1 from rdb$database;\n\
    select name MARKER from marker order by name;\n";

fn count_in(text: &str) -> Count {
    let values = |name: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(|value| value.trim().to_owned()).collect()
    };
    let number = |name: &str| values(name).first().unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap();
    Count { money: number("MONEY"), moved: vec![number("MOVED0"), number("MOVED1")], pages: number("PAGES"), markers: values("MARKER") }
}

impl Server {
    /// Counts by the server.
    #[track_caller]
    pub fn count(&self, file: &Path) -> Count {
        count_in(&self.sql(file, QUESTION))
    }

    /// Counts in a restored copy, without a server.
    #[track_caller]
    pub fn count_copy(&self, file: &Path) -> Count {
        let locks = tempfile::tempdir().unwrap();
        let mut command = Command::new("isql-fb");
        command.args(["-quiet", "-bail"]).arg(file).env("ISC_USER", "SYSDBA").env_remove("ISC_PASSWORD");
        let text = feed(command.env("FIREBIRD_LOCK", locks.path()).env("FIREBIRD_TMP", locks.path()), QUESTION);
        assert!(!text.contains("SQLSTATE"), "{text}");
        count_in(&text)
    }

    #[track_caller]
    pub fn mark(&self, file: &Path, name: &str) {
        self.sql(file, &format!("insert into marker values ('{name}');\ncommit;\n"));
    }

    pub fn state(&self, file: &Path) -> State {
        Header::of_path(file).unwrap().state
    }
}

/// Clients that keep moving money from one account to another. Each has accounts of its own.
pub struct Movers {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<u64>>,
}

impl Movers {
    pub fn begin(server: &Server, file: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |client: u64| {
            let stop = Arc::clone(&stop);
            let mut command = Command::new("isql-fb");
            command.args(["-quiet", "-bail", &server.address(file)]).envs(server.variables());
            command.env("ISC_USER", "SYSDBA").env("ISC_PASSWORD", "x").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            std::thread::spawn(move || {
                let mut input = child.stdin.take().unwrap();
                let mut moved = 0;
                while !stop.load(Ordering::Relaxed) {
                    let from = (moved * 7 * CLIENTS + client) % ACCOUNTS;
                    let to = (moved * 13 * CLIENTS + 2 * CLIENTS + client) % ACCOUNTS;
                    // A row that is long keeps the pipe short, so that little is still to be done when we stop.
                    let text = format!(
                        "update account set money = money - 1 where n = {from};\nupdate account set money = money + 1 where n = {to};\n\
                         insert into moved values ({client}, {moved});\ncommit;\n-- {}\n",
                        "-".repeat(8000)
                    );
                    if input.write_all(text.as_bytes()).is_err() {
                        break;
                    }
                    moved += 1;
                }
                drop(input);
                let output = child.wait_with_output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success() && !said.contains("SQLSTATE"), "a client has failed: {said}");
                moved
            })
        };
        Self { clients: (0..CLIENTS).map(client).collect(), stop }
    }

    /// Stops them and says how many moves each had committed.
    #[track_caller]
    pub fn end(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.into_iter().map(|client| client.join().unwrap()).collect()
    }
}
