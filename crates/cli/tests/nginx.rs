//! The program against nginx: a server of another make, over TCP and over TLS.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mpt_tokens_sandbox::{Sandbox, numbered_id};
use mpt_tokens_tools::{NGINX, OPENSSL, needs};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rstest::rstest;
use tempfile::TempDir;

/// What nginx does with each id: its own pages for what it refuses, a gateway's answer for a dead upstream.
const LOCATIONS: &str = r#"
        location /public/v1/accounts/api-tokens/TKN-0000-0204 { return 204; }
        location /public/v1/accounts/api-tokens/TKN-0000-0404 {
            default_type application/json;
            return 404 '{"title":"Not Found","status":404}';
        }
        location /public/v1/accounts/api-tokens/TKN-0000-0302 { return 302 https://elsewhere.example/; }
        location /public/v1/accounts/api-tokens/TKN-0000-0405 { limit_except GET { deny all; } }
        location /public/v1/accounts/api-tokens/TKN-0000-0502 { proxy_pass http://127.0.0.1:1; }
        location / { return 404; }
"#;

/// How nginx is spoken with.
#[derive(Clone, Copy, PartialEq)]
enum Over {
    Tcp,
    Tls,
    /// TLS, with an authority that is not known.
    Untrusted,
    /// TLS 1.1 and nothing newer.
    Tls11,
}

#[rstest]
#[case("TKN-0000-0204", Over::Tcp, 0, "deleted", "ok")]
#[case("TKN-0000-0404", Over::Tcp, 4, "not_deleted", "not_found")]
#[case("TKN-0000-0000", Over::Tcp, 1, "not_deleted", "unexpected_response")]
#[case("TKN-0000-0302", Over::Tcp, 3, "unknown", "unexpected_response")]
#[case("TKN-0000-0405", Over::Tcp, 1, "not_deleted", "forbidden")]
#[case("TKN-0000-0502", Over::Tcp, 3, "unknown", "server_error")]
#[case("TKN-0000-0204", Over::Tls, 0, "deleted", "ok")]
#[case("TKN-0000-0404", Over::Tls, 4, "not_deleted", "not_found")]
#[case("TKN-0000-0204", Over::Untrusted, 1, "not_deleted", "tls_failed")]
#[case("TKN-0000-0204", Over::Tls11, 1, "not_deleted", "tls_failed")]
fn it_tells_what_nginx_did(
    #[case] id: &str,
    #[case] over: Over,
    #[case] status: i32,
    #[case] outcome: &str,
    #[case] code: &str,
) {
    needs!(NGINX, OPENSSL);
    let nginx = Nginx::start();
    let mut program = Command::new(env!("CARGO_BIN_EXE_mpt-tokens"));
    let told = ["--format", "ndjson", "--attempts", "2", "--patience", "0"];
    program.args(["delete", id, "--yes"]).args(told);
    if matches!(over, Over::Tls | Over::Tls11) {
        program.arg("--ca-file").arg(nginx.folder.path().join("authority.pem"));
    }
    if over == Over::Tls11 {
        nginx.speaks_tls_1_1();
    }
    let [plain, tls, tls_1_1] = nginx.ports;
    let base_url = match over {
        Over::Tcp => format!("http://127.0.0.1:{plain}"),
        Over::Tls | Over::Untrusted => format!("https://localhost:{tls}"),
        Over::Tls11 => format!("https://localhost:{tls_1_1}"),
    };
    program.env("MPT_API_BASE_URL", base_url);
    program.env("MPT_API_TOKEN", "idt:TKN-0000-0001:nginx-checks-nothing");
    let done = program.stdin(Stdio::null()).output().unwrap();
    let line = String::from_utf8_lossy(&done.stdout);
    let told: serde_json::Value = serde_json::from_str(&line).expect(&line);
    assert!(told["outcome"] == outcome && told["code"] == code, "{line}");
    assert_eq!(done.status.code(), Some(status), "{line}");
}

/// The connections of a batch, of which the first makes a handshake in full. Those that come with it resume its session,
/// as far as the server lets them: nginx sends two tickets of TLS 1.3 unless it is told otherwise.
#[rstest]
#[case::tls_1_2("ssl_protocols TLSv1.2;", 1)]
#[case::enough_tickets("ssl_protocols TLSv1.3; ssl_conf_command NumTickets 64;", 1)]
#[case::two_tickets("ssl_protocols TLSv1.3;", 62)]
fn a_batch_resumes_its_first_session(#[case] tls: &str, #[case] most_in_full: usize) {
    const AT_ONCE: usize = 64;
    needs!(NGINX, OPENSSL);
    let delay = Duration::from_millis(50);
    let sandbox = Sandbox::builder().numbered(1_000).delay(delay).start().unwrap();
    let upstream = sandbox.port();
    let nginx = Nginx::start_with(&format!(
        "{tls}\nlocation / {{ proxy_pass http://127.0.0.1:{upstream}; access_log sessions.log sessions; }}"
    ));
    let list = nginx.folder.path().join("ids");
    fs::write(&list, (1..=1_000).map(|n| numbered_id(n) + "\n").collect::<String>()).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_mpt-tokens"));
    program.args(["delete", "--yes", "--quiet", "--concurrency", &AT_ONCE.to_string()]);
    program.arg("--from").arg(list).arg("--ca-file").arg(nginx.folder.path().join("authority.pem"));
    program.env("MPT_API_BASE_URL", format!("https://localhost:{}", nginx.ports[1]));
    program.env("MPT_API_TOKEN", sandbox.api_token());
    let done = program.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(sandbox.stats().deleted, 1_000);
    let log = fs::read_to_string(nginx.folder.path().join("sessions.log")).unwrap();
    // A line a request: which one of its connection it is, and whether that resumed a session (`r`) or not (`.`).
    let connections: Vec<_> = log.lines().filter_map(|line| line.strip_prefix("1 ")).collect();
    let in_full = connections.iter().filter(|resumed| **resumed == ".").count();
    assert_eq!(
        connections.iter().filter(|resumed| **resumed == "r").count() + in_full,
        connections.len()
    );
    assert!(connections.len() > 16, "{connections:?}");
    assert!((1..=most_in_full).contains(&in_full), "{in_full} of {}", connections.len());
}

struct Nginx {
    child: Child,
    ports: [u16; 3],
    folder: TempDir,
}

impl Nginx {
    fn start() -> Nginx {
        Nginx::start_with(LOCATIONS)
    }

    /// Serves so over TCP and TLS.
    fn start_with(served: &str) -> Nginx {
        // So that no other test here takes a port that is free no more in a moment.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = free.map(|port| port.local_addr().unwrap().port());
        let conf = folder.path().join("nginx.conf");
        fs::write(&conf, configuration(ports, served)).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&conf).args(["-e", "error.log"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut nginx = Nginx { child: command.spawn().unwrap(), ports, folder };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            if nginx.child.try_wait().unwrap().is_some() || Instant::now() > deadline {
                let why = fs::read_to_string(nginx.folder.path().join("error.log"));
                panic!("nginx does not serve: {why:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        nginx
    }

    /// A client that is willing gets an answer in TLS 1.1: what refuses it later is ours.
    fn speaks_tls_1_1(&self) {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect"]);
        client.arg(format!("localhost:{}", self.ports[2])).stdin(Stdio::null());
        let done = client.output().unwrap();
        assert!(done.status.success(), "nginx does not speak TLS 1.1: {done:?}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself; the master takes its worker along when it is asked to end.
        if let Ok(pid) = i32::try_from(self.child.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

fn configuration([plain, tls, tls_1_1]: [u16; 3], served: &str) -> String {
    format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log;\nevents {{}}\nhttp {{\n    \
         access_log off;\n    log_format sessions '$connection_requests $ssl_session_reused';\n    client_body_temp_path body;\n    proxy_temp_path proxy;\n    \
         fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n    \
         server {{\n        listen 127.0.0.1:{plain};\n        listen 127.0.0.1:{tls} ssl;\n        \
         ssl_certificate leaf.pem;\n        ssl_certificate_key leaf.key;\n{served}    }}\n    \
         server {{\n        listen 127.0.0.1:{tls_1_1} ssl;\n        ssl_protocols TLSv1.1;\n        \
         ssl_ciphers ALL:@SECLEVEL=0;\n        ssl_certificate leaf.pem;\n        \
         ssl_certificate_key leaf.key;\n{LOCATIONS}    }}\n}}\n"
    )
}

/// An authority, and a certificate of its for localhost.
fn certificates(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(params, key)).unwrap();
    let files = [
        ("leaf.pem", leaf.pem()),
        ("leaf.key", leaf_key.serialize_pem()),
        ("authority.pem", authority.pem()),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}
