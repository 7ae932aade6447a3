//! The way to the core: the name, the connection, TLS, and whether the core takes this node. Each address that the node
//! knows is tried.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::Timestamp;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use wire::link::{Hello, Problem, Welcome, problem};

use super::enrolment::ENROL_AGAIN;
use super::finding::{Check, Finding};
use crate::identity::Identity;
use crate::line::{Line, Refusal, Trouble};

const CORE: Check = Check::new("Core", "core");
/// Longest wait for each step: the name, the connection, the answer.
const STEP: Duration = Duration::from_secs(5);

const CORE_RUNS: &str =
    "is the core running, and is the port right? On the core's machine: sudo systemctl status socme-core";
const CLOCKS: &str = "set the clocks of this machine and of the core right: sudo timedatectl set-ntp true";
const PLAIN_TCP: &str = "let nodes' traffic through as plain TCP: the port must lead to nodes.listen of the core, without a proxy that ends TLS";

/// What came of it.
pub(super) struct Reached {
    pub(super) findings: Vec<Finding>,
    /// The core's clock less this machine's, in seconds.
    pub(super) skew: Option<f64>,
}

/// Why an address is of no use now.
struct Failure {
    says: String,
    mend: String,
    /// It will pass by itself.
    passing: bool,
}

struct Success {
    says: String,
    skew: f64,
}

/// Tries all addresses at once.
pub(super) async fn look(identity: Option<&Identity>) -> Reached {
    let Some(identity) = identity else {
        return Reached {
            findings: vec![CORE.not_applicable("not asked: there is no identity to ask with")],
            skew: None,
        };
    };
    let addresses = &identity.about.addresses;
    if addresses.is_empty() {
        let finding = CORE.wrong("this node knows no address of the core", ENROL_AGAIN);
        return Reached { findings: vec![finding], skew: None };
    }
    let tried = join_all(addresses.iter().map(|address| try_address(identity, address))).await;
    let skew = tried.iter().find_map(|outcome| outcome.as_ref().ok()).map(|success| success.skew);
    let findings = addresses.iter().zip(&tried).map(|(address, outcome)| judge(address, outcome, skew.is_some()));
    Reached { findings: findings.collect(), skew }
}

/// One address that fails is no harm while another one works.
fn judge(address: &str, outcome: &Result<Success, Failure>, reached: bool) -> Finding {
    match outcome {
        Ok(success) => CORE.fine(format!("{address}: {}", success.says)),
        Err(failure) if reached || failure.passing => {
            CORE.warning(format!("{address}: {}", failure.says), &failure.mend)
        }
        Err(failure) => CORE.wrong(format!("{address}: {}", failure.says), &failure.mend),
    }
}

async fn try_address(identity: &Identity, address: &str) -> Result<Success, Failure> {
    let found = match timeout(STEP, lookup_host(address)).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(nameless(address, &error.to_string())),
        Err(_) => return Err(nameless(address, &format!("no answer within {} s", STEP.as_secs()))),
    };
    if found.is_empty() {
        return Err(nameless(address, "it has none"));
    }
    connect(&found).await.map_err(|error| unconnected(address, &found, &error))?;
    match timeout(STEP, hello(identity, address)).await {
        Ok(Ok(success)) => Ok(success),
        Ok(Err(refusal)) => Err(refused(refusal)),
        Err(_) => Err(Failure {
            says: format!("it takes connections, but does not answer within {} s", STEP.as_secs()),
            mend: "is that a SOCme core, and is it well? See «Core health» there".to_owned(),
            passing: false,
        }),
    }
}

fn nameless(address: &str, why: &str) -> Failure {
    let host = host(address);
    Failure {
        says: format!("the name has no address ({why})"),
        mend: format!("check the name and this machine's resolver: getent hosts {host}"),
        passing: false,
    }
}

/// Connects to the first of them that takes it; the error is the most telling one.
async fn connect(found: &[SocketAddr]) -> io::Result<()> {
    let tries = found.iter().map(|address| async move {
        timeout(STEP, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    });
    let tried = join_all(tries).await;
    if tried.iter().any(Result::is_ok) {
        return Ok(());
    }
    let errors = tried.into_iter().filter_map(Result::err);
    let told =
        errors.max_by_key(|error| (error.kind() == ErrorKind::ConnectionRefused, error.kind() == ErrorKind::TimedOut));
    told.map_or(Ok(()), Err)
}

fn unconnected(address: &str, found: &[SocketAddr], error: &io::Error) -> Failure {
    let ips = found.iter().map(|found| found.ip().to_string()).collect::<Vec<_>>().join(", ");
    let (says, mend) = match error.kind() {
        ErrorKind::ConnectionRefused => ("nothing listens there".to_owned(), CORE_RUNS.to_owned()),
        ErrorKind::TimedOut => (
            format!("no answer within {} s", STEP.as_secs()),
            format!("is there a firewall in between? Let TCP to {address} through"),
        ),
        _ => (
            format!("no connection ({error})"),
            format!("is there a route to the core? ip route get {}", found[0].ip()),
        ),
    };
    let says = if ips == host(address) { says } else { format!("{says} (tried {ips})") };
    Failure { says, mend, passing: false }
}

fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']'])
}

/// Says hello, and nothing of where this node stands: nobody goes on from the answer.
async fn hello(identity: &Identity, address: &str) -> Result<Success, Refusal> {
    let line = Line::of(identity, address).await;
    let line = line.map_err(|error| Refusal::Unreached(Trouble::Other, format!("{error:#}")))?;
    let hello = Hello {
        wire: wire::VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        position: None,
        now: Timestamp::now(),
    };
    let asked = Instant::now();
    let welcome: Welcome = line.ask(wire::path::HELLO, &hello).await?;
    let took = asked.elapsed();
    let skew = welcome.now.duration_since(Timestamp::now()).as_secs_f64() + took.as_secs_f64() / 2.0;
    let says = format!(
        "it answers, in {} ms, and takes this machine for node «{}» of client «{}»",
        took.as_millis(),
        welcome.name,
        welcome.client
    );
    Ok(Success { says, skew })
}

/// Something listens there, and yet no welcome.
fn refused(refusal: Refusal) -> Failure {
    let (says, mend) = match refusal {
        Refusal::Problem(found, _) => return said_no(found),
        Refusal::Conflict(_) => ("its answer is not a core's".to_owned(), PLAIN_TCP),
        Refusal::Unreached(trouble, text) => match trouble {
            Trouble::Clock => ("the core's certificate is not valid now by this machine's clock".to_owned(), CLOCKS),
            Trouble::Authority => (
                "this is not the core that this node trusts: someone is in between, or the core was set up anew"
                    .to_owned(),
                ENROL_AGAIN,
            ),
            Trouble::NotTaken => ("the core does not accept this node's certificate".to_owned(), ENROL_AGAIN),
            // The connection itself worked a moment ago.
            Trouble::NotACore | Trouble::NoWay => {
                ("something else than a SOCme core answers there".to_owned(), PLAIN_TCP)
            }
            Trouble::Refused => ("nothing listens there any more".to_owned(), CORE_RUNS),
            Trouble::Silent | Trouble::Other => {
                (text, "sudo journalctl -u socme-core on the core's machine may say more")
            }
        },
    };
    Failure { says, mend: mend.to_owned(), passing: false }
}

/// The core itself says no.
fn said_no(found: Problem) -> Failure {
    let mend = match found.kind.as_str() {
        problem::DISABLED => {
            "an administrator can enable it on the node's page at the core; it keeps its alerts until then"
        }
        problem::REVOKED | problem::TOO_OLD | problem::CERTIFICATE => ENROL_AGAIN,
        problem::EXPIRED if found.title.contains("not yet valid") => CLOCKS,
        problem::EXPIRED => "sudo systemctl restart socme-node: a node that runs renews it by itself",
        problem::WIRE => "bring node and core to the same version, the core first",
        problem::LATER => "nothing: the node asks again by itself",
        _ => "sudo journalctl -u socme-core on the core's machine may say more",
    };
    let passing = found.kind == problem::LATER;
    let detail = found.detail.filter(|_| found.kind == problem::EXPIRED).map(|text| format!(" {text}"));
    Failure {
        says: format!("the core says no: {}{}", found.title, detail.unwrap_or_default()),
        mend: mend.to_owned(),
        passing,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    fn no(kind: &str, title: &str) -> Failure {
        said_no(Problem { kind: kind.into(), title: title.into(), status: 403, detail: None })
    }

    #[test]
    fn each_no_of_the_core_has_its_own_mend() {
        assert!(no(problem::DISABLED, "This node is disabled.").mend.contains("enable it"));
        assert!(no(problem::REVOKED, "This node was revoked or deleted.").mend.contains("enrol --force"));
        assert!(no(problem::EXPIRED, "This node's certificate has expired.").mend.contains("restart socme-node"));
        assert!(no(problem::EXPIRED, "… is not yet valid by the core's clock.").mend.contains("set-ntp"));
    }

    #[test]
    fn what_answers_there_is_told_apart() {
        let mend = |trouble| refused(Refusal::Unreached(trouble, String::new())).mend;
        assert!(mend(Trouble::Authority).contains("enrol --force"));
        assert!(mend(Trouble::Clock).contains("set-ntp"));
        assert!(mend(Trouble::NoWay).contains("plain TCP"));
    }

    #[test]
    fn an_address_that_fails_is_wrong_only_if_no_other_works() {
        let failed = Err(no(problem::DISABLED, "no"));
        assert_eq!(judge("a:1", &failed, false).state, State::Wrong);
        assert_eq!(judge("a:1", &failed, true).state, State::Warning);
        assert_eq!(judge("a:1", &Err(no(problem::LATER, "Too many batches.")), false).state, State::Warning);
    }

    #[test]
    fn no_connection_says_which_way_it_failed() {
        let (found, at) = (["127.0.0.1:9".parse().unwrap()], "core.example:9");
        let says = |kind: ErrorKind| unconnected(at, &found, &kind.into());
        assert_eq!(says(ErrorKind::ConnectionRefused).says, "nothing listens there (tried 127.0.0.1)");
        assert!(says(ErrorKind::TimedOut).mend.contains("firewall"));
        assert!(says(ErrorKind::NetworkUnreachable).mend.contains("ip route get 127.0.0.1"));
        assert_eq!((host("[::1]:7443"), host("core.example:7443")), ("::1", "core.example"));
    }
}
