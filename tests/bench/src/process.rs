//! The processes that are measured.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Result;

/// How long anything may take to get ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server under measurement; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts a program and waits until it answers.
    pub(crate) async fn start(command: &mut Command, address: SocketAddr) -> Result<Self> {
        let begin = Instant::now();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        while !is_ready(address).await {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{command:?} ended with {status}").into());
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("{command:?} does not get ready").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.ready_after = begin.elapsed();
        Ok(server)
    }

    /// The engine on a folder.
    pub(crate) async fn engine(
        engine: &Path,
        workflows: &Path,
        store: &Path,
        environment: &[(&str, String)],
    ) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(engine);
        command
            .arg("serve")
            .arg("--workflows")
            .arg(workflows)
            .args(["--store", &format!("sqlite://{}", store.display())])
            .args(["--listen", &address.to_string()])
            .env("RUST_LOG", "warn")
            .envs(environment.iter().map(|(name, value)| (name, value)));
        Self::start(&mut command, address).await.map_err(|error| {
            format!("{error}. Is {} there? `cargo build --release` makes it", engine.display()).into()
        })
    }

    /// This program itself, as the bare server or the service.
    pub(crate) async fn own(role: &str, arguments: &[&str]) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(role).args(["--listen", &address.to_string()]).args(arguments);
        Self::start(&mut command, address).await
    }

    /// Memory that the process holds, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    /// Time of processors that the process has taken, in seconds. What others do on the machine does not change it much.
    pub(crate) fn cpu(&self) -> Result<f64> {
        /// Ticks of `/proc` a second, which Linux fixes for what it tells programs.
        const TICKS: f64 = 100.0;
        let line = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name may have blanks; behind it `utime` and `stime` are the twelfth and the thirteenth.
        let (_, rest) = line.rsplit_once(')').ok_or("no name in the line")?;
        let ticks: Vec<f64> = rest.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
        Ok(ticks.iter().sum::<f64>() / TICKS)
    }

    /// Asks the process to end, and waits for it.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Whether the server answers at all, and does not say that it is not ready.
async fn is_ready(address: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /q/health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    asked.await.is_ok_and(|answer| answer.starts_with(b"HTTP/1.1") && !answer.starts_with(b"HTTP/1.1 5"))
}
