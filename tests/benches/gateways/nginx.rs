//! nginx as a plain proxy: what another gateway takes that has no policy either.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use scimguard_tests::environment::{self, NGINX};
use scimguard_tests::process;
use tempfile::TempDir;

/// A running nginx, which ends when it is dropped.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it in front of an application and waits until it listens.
    pub(crate) async fn start(application: SocketAddr, workers: usize) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("scimguard-nginx-")?;
        let address = process::free_address()?;
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(application, address, workers))?;
        let process = Command::new(environment::file(NGINX))
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log"))?)
            .spawn()
            .context("cannot start nginx")?;
        let nginx = Self {
            address,
            process,
            _folder: folder,
        };
        process::until_connected(address).await?;
        Ok(nginx)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Nginx {
    /// Its workers outlive a first process that is killed, so that it is asked to end.
    fn drop(&mut self) {
        if kill_process(Pid::from_child(&self.process), Signal::TERM).is_ok() {
            // It ends at once: nothing is under way.
            let _ = self.process.wait();
        }
    }
}

/// Connections are kept on both sides, as Envoy and the guard keep them.
fn configuration(application: SocketAddr, address: SocketAddr, workers: usize) -> String {
    format!(
        "daemon off;
worker_processes {workers};
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  upstream application {{
    server {application};
    keepalive 64;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://application;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}
