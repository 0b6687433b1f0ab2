//! The program against nginx: a server of another make, over TCP and over TLS.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::log::Log;
use crate::tally::Tally;
use crate::{artifacts, repo};

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
#[derive(Clone, Copy, Debug)]
enum Over {
    Tcp,
    Tls,
    /// TLS, with an authority that is not known.
    Untrusted,
    /// TLS 1.1 and nothing newer.
    Tls11,
}

/// Token id, how, and then: exit status, outcome, code.
type Case = (&'static str, Over, i32, &'static str, &'static str);

const CASES: &[Case] = &[
    ("TKN-0000-0204", Over::Tcp, 0, "deleted", "ok"),
    ("TKN-0000-0404", Over::Tcp, 4, "not_deleted", "not_found"),
    ("TKN-0000-0000", Over::Tcp, 1, "not_deleted", "unexpected_response"),
    ("TKN-0000-0302", Over::Tcp, 3, "unknown", "unexpected_response"),
    ("TKN-0000-0405", Over::Tcp, 1, "not_deleted", "forbidden"),
    ("TKN-0000-0502", Over::Tcp, 3, "unknown", "server_error"),
    ("TKN-0000-0204", Over::Tls, 0, "deleted", "ok"),
    ("TKN-0000-0404", Over::Tls, 4, "not_deleted", "not_found"),
    ("TKN-0000-0204", Over::Untrusted, 1, "not_deleted", "tls_failed"),
    ("TKN-0000-0204", Over::Tls11, 1, "not_deleted", "tls_failed"),
];

/// Every case, as a count.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let program = artifacts::program(log, "cli")?;
    let nginx = Nginx::start(&repo::target().join("xtask/nginx"))?;
    nginx.speaks_tls_1_1(log)?;
    let mut tally = Tally::default();
    for case in CASES {
        match nginx.delete(&program, case) {
            Ok(()) => tally += Tally::PASSED,
            Err(why) => {
                log.note(&format!("{case:?}: {why:#}"));
                tally += Tally::FAILED;
            }
        }
    }
    Ok(tally)
}

struct Nginx {
    child: Child,
    plain: u16,
    tls: u16,
    tls_1_1: u16,
    authority: PathBuf,
}

impl Nginx {
    fn start(folder: &Path) -> Result<Nginx> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let authority = certificates(folder)?;
        let (plain, tls, tls_1_1) = (free_port()?, free_port()?, free_port()?);
        let conf = folder.join("nginx.conf");
        fs::write(&conf, configuration(plain, tls, tls_1_1))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&conf).args(["-e", "error.log"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("nginx does not start")?;
        let mut nginx = Nginx { child, plain, tls, tls_1_1, authority };
        nginx.wait_until_it_listens(&[plain, tls, tls_1_1], folder)?;
        Ok(nginx)
    }

    fn wait_until_it_listens(&mut self, ports: &[u16], folder: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("nginx does not serve: {}", fs::read_to_string(folder.join("error.log"))?);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// A client that is willing gets an answer in TLS 1.1: what refuses it later is ours.
    fn speaks_tls_1_1(&self, log: &mut Log) -> Result<()> {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
        client.arg("-connect").arg(format!("localhost:{}", self.tls_1_1)).stdin(Stdio::null());
        log.run(&mut client).context("nginx does not speak TLS 1.1")?;
        Ok(())
    }

    fn delete(&self, program: &Path, case: &Case) -> Result<()> {
        let (id, over, status, outcome, code) = *case;
        let mut command = Command::new(program);
        command.args(["delete", id, "--yes", "--format", "ndjson", "--attempts", "2"]);
        if matches!(over, Over::Tls | Over::Tls11) {
            command.arg("--ca-file").arg(&self.authority);
        }
        let base_url = match over {
            Over::Tcp => format!("http://127.0.0.1:{}", self.plain),
            Over::Tls | Over::Untrusted => format!("https://localhost:{}", self.tls),
            Over::Tls11 => format!("https://localhost:{}", self.tls_1_1),
        };
        command.env("MPT_API_BASE_URL", base_url);
        command.env("MPT_API_TOKEN", "idt:TKN-0000-0001:nginx-checks-nothing");
        let done = command.stdin(Stdio::null()).output()?;
        let line = String::from_utf8_lossy(&done.stdout);
        let told: serde_json::Value =
            serde_json::from_str(&line).with_context(|| format!("not a line of JSON: {line}"))?;
        ensure!(told["outcome"] == outcome && told["code"] == code, "{line}");
        ensure!(done.status.code() == Some(status), "it ended with {}", done.status);
        Ok(())
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

fn configuration(plain: u16, tls: u16, tls_1_1: u16) -> String {
    format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log;\nevents {{}}\nhttp {{\n    \
         access_log off;\n    client_body_temp_path body;\n    proxy_temp_path proxy;\n    \
         fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n    \
         server {{\n        listen 127.0.0.1:{plain};\n        listen 127.0.0.1:{tls} ssl;\n        \
         ssl_certificate leaf.pem;\n        ssl_certificate_key leaf.key;\n{LOCATIONS}    }}\n    \
         server {{\n        listen 127.0.0.1:{tls_1_1} ssl;\n        ssl_protocols TLSv1.1;\n        \
         ssl_ciphers ALL:@SECLEVEL=0;\n        ssl_certificate leaf.pem;\n        \
         ssl_certificate_key leaf.key;\n{LOCATIONS}    }}\n}}\n"
    )
}

/// An authority, and a certificate of its for localhost; the path of the authority's.
fn certificates(folder: &Path) -> Result<PathBuf> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?;
    let leaf_key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])?
        .signed_by(&leaf_key, &Issuer::new(params, key))?;
    fs::write(folder.join("leaf.pem"), leaf.pem())?;
    fs::write(folder.join("leaf.key"), leaf_key.serialize_pem())?;
    let path = folder.join("authority.pem");
    fs::write(&path, authority.pem())?;
    Ok(path)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
