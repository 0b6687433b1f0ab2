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

/// Token id, whether TLS, whether its authority is trusted, and then: exit status, outcome, code.
type Case = (&'static str, bool, bool, i32, &'static str, &'static str);

const CASES: &[Case] = &[
    ("TKN-0000-0204", false, false, 0, "deleted", "ok"),
    ("TKN-0000-0404", false, false, 1, "not_deleted", "not_found"),
    ("TKN-0000-0000", false, false, 1, "not_deleted", "unexpected_response"),
    ("TKN-0000-0302", false, false, 1, "not_deleted", "unexpected_response"),
    ("TKN-0000-0405", false, false, 1, "not_deleted", "forbidden"),
    ("TKN-0000-0502", false, false, 3, "unknown", "server_error"),
    ("TKN-0000-0204", true, true, 0, "deleted", "ok"),
    ("TKN-0000-0404", true, true, 1, "not_deleted", "not_found"),
    ("TKN-0000-0204", true, false, 1, "not_deleted", "tls_failed"),
];

/// Every case, as a count.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let program = artifacts::program(log)?;
    let nginx = Nginx::start(&repo::target().join("xtask/nginx"))?;
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
    http: String,
    https: String,
    authority: PathBuf,
}

impl Nginx {
    fn start(folder: &Path) -> Result<Nginx> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let authority = certificates(folder)?;
        let (plain, tls) = (free_port()?, free_port()?);
        let conf = folder.join("nginx.conf");
        fs::write(&conf, configuration(plain, tls))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&conf).args(["-e", "error.log"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("nginx does not start")?;
        let mut nginx = Nginx {
            child,
            http: format!("http://127.0.0.1:{plain}"),
            https: format!("https://localhost:{tls}"),
            authority,
        };
        nginx.wait_until_it_listens(&[plain, tls], folder)?;
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

    fn delete(&self, program: &Path, case: &Case) -> Result<()> {
        let (id, tls, trusted, status, outcome, code) = *case;
        let mut command = Command::new(program);
        command.args(["delete", id, "--yes", "--format", "ndjson", "--attempts", "2"]);
        if trusted {
            command.arg("--ca-file").arg(&self.authority);
        }
        command.env("MPT_API_BASE_URL", if tls { &self.https } else { &self.http });
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

fn configuration(plain: u16, tls: u16) -> String {
    format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log;\nevents {{}}\nhttp {{\n    \
         access_log off;\n    client_body_temp_path body;\n    proxy_temp_path proxy;\n    \
         fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n    \
         server {{\n        listen 127.0.0.1:{plain};\n        listen 127.0.0.1:{tls} ssl;\n        \
         ssl_certificate leaf.pem;\n        ssl_certificate_key leaf.key;\n{LOCATIONS}    }}\n}}\n"
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
