//! The native peers of `cargo xtask bench`, by their names: `core` (this library), `ureq` and `raw`. Each makes as many
//! warm calls as each line of standard input asks for, and tells the seconds of wall and of processor time that they
//! took. `serve` is the server of all peers instead, and prints where it is.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod server;

use std::env;
use std::error::Error;
use std::io::{Read, Write, stdin};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

const ID: &str = "TKN-1671-0642";

type Failure = Box<dyn Error>;
type Call = Box<dyn FnMut() -> Result<(), Failure>>;

fn main() -> Result<(), Failure> {
    let mut call = match env::args().nth(1).as_deref() {
        Some("serve") => {
            println!("{}", server::start()?);
            // Until its input ends.
            stdin().lines().for_each(drop);
            return Ok(());
        }
        Some("raw") => raw()?,
        Some("ureq") => ureq()?,
        _ => core()?,
    };
    for line in stdin().lines() {
        let calls: u32 = line?.trim().parse()?;
        let (wall, cpu) = (Instant::now(), busy());
        for _ in 0..calls {
            call()?;
        }
        println!("{} {}", wall.elapsed().as_secs_f64(), (busy() - cpu).as_secs_f64());
    }
    Ok(())
}

fn core() -> Result<Call, Failure> {
    let client = mpt_tokens::Client::from_env()?;
    Ok(Box::new(move || {
        client.delete_token(ID)?;
        Ok(())
    }))
}

/// A request of the same bytes, and nothing but two system calls: the limit.
fn raw() -> Result<Call, Failure> {
    let (url, token) = (env::var("MPT_API_BASE_URL")?, env::var("MPT_API_TOKEN")?);
    let address = url.trim_start_matches("http://");
    let request = format!(
        "DELETE /public/v1/accounts/api-tokens/{ID} HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Bearer {token}\r\nuser-agent: mpt-tokens/0.1.0\r\n\
         accept: application/json, application/problem+json\r\naccept-encoding: identity\r\n\
         traceparent: 00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-00\r\n\r\n"
    );
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    let mut answer = [0u8; 4096];
    Ok(Box::new(move || {
        connection.write_all(request.as_bytes())?;
        match connection.read(&mut answer)? {
            received if received == server::ANSWER.len() => Ok(()),
            received => Err(format!("{received} bytes came").into()),
        }
    }))
}

fn ureq() -> Result<Call, Failure> {
    let (url, token) = (env::var("MPT_API_BASE_URL")?, env::var("MPT_API_TOKEN")?);
    let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
    let agent: ureq::Agent = config.max_redirects(0).build().into();
    let target = format!("{url}/public/v1/accounts/api-tokens/{ID}");
    let credential = format!("Bearer {token}");
    Ok(Box::new(move || {
        let answer = agent.delete(&target).header("authorization", &credential).call()?;
        if answer.status() == 204 { Ok(()) } else { Err(answer.status().to_string().into()) }
    }))
}

fn busy() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.try_into().unwrap_or(0))
}
