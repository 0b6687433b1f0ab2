//! One warm call beside its peers, in one run: a raw blocking socket (the limit), bare ureq, and this library.
//!
//! The rounds of all peers take turns, so that a machine whose speed drifts drifts for all; what counts are ratios.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

mod server;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

const CALLS: u32 = 2_000;
const ROUNDS: usize = 15;

/// Wall and CPU time of this thread, for one call.
type Cost = (Duration, Duration);

fn measure(mut call: impl FnMut()) -> Cost {
    let (wall, cpu) = (Instant::now(), thread_cpu());
    (0..CALLS).for_each(|_| call());
    (wall.elapsed() / CALLS, (thread_cpu() - cpu) / CALLS)
}

fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.try_into().unwrap_or(0))
}

fn median(mut costs: Vec<Duration>) -> f64 {
    costs.sort_unstable();
    costs[costs.len() / 2].as_secs_f64() * 1e6
}

/// Keeps all threads on one processor, where the system can. Otherwise it is a matter of luck whether a client and the
/// server's thread are woken across processors, which takes longer than anything that is measured here.
#[cfg(target_os = "linux")]
fn stay_on_one_processor() -> std::io::Result<()> {
    let allowed = rustix::thread::sched_getaffinity(None)?;
    let mut one = rustix::thread::CpuSet::new();
    let last = (0..rustix::thread::CpuSet::MAX_CPU).rfind(|cpu| allowed.is_set(*cpu));
    one.set(last.unwrap_or_default());
    Ok(rustix::thread::sched_setaffinity(None, &one)?)
}

#[cfg(not(target_os = "linux"))]
fn stay_on_one_processor() -> std::io::Result<()> {
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    stay_on_one_processor()?;
    let url = server::start()?;
    let address = url.trim_start_matches("http://").to_owned();

    let request = format!(
        "DELETE /public/v1/accounts/api-tokens/TKN-1671-0642 HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Bearer idt:TKN-0000-0001:abcdefghijk\r\nuser-agent: mpt-tokens/0.1.0\r\n\
         accept: application/json, application/problem+json\r\n\
         traceparent: 00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-00\r\n\r\n"
    );
    let mut raw = TcpStream::connect(&address)?;
    raw.set_nodelay(true)?;
    let mut answer = [0u8; 4096];

    let agent: ureq::Agent = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let target = format!("{url}/public/v1/accounts/api-tokens/TKN-1671-0642");

    let client = mpt_tokens::Client::builder()
        .base_url(url.as_str())
        .api_token("idt:TKN-0000-0001:abcdefghijk")
        .build()?;

    let names = ["raw blocking socket", "bare ureq, no timeouts", "mpt-tokens"];
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for round in 0..=ROUNDS {
        let measured = [
            measure(|| {
                raw.write_all(request.as_bytes()).expect("the request is sent");
                assert_eq!(
                    raw.read(&mut answer).expect("the answer is read"),
                    server::ANSWER.len()
                );
            }),
            measure(|| {
                let answer = agent
                    .delete(&target)
                    .header("authorization", "Bearer idt:TKN-0000-0001:abcdefghijk")
                    .call()
                    .expect("an answer");
                assert_eq!(answer.status(), 204);
            }),
            measure(|| {
                client.delete_token("TKN-1671-0642").expect("a deletion");
            }),
        ];
        // The first round only warms up.
        if round > 0 {
            measured.into_iter().zip(&mut costs).for_each(|(cost, all)| all.push(cost));
        }
    }

    let medians = costs.map(|rounds| {
        let (wall, cpu) = rounds.into_iter().unzip();
        (median(wall), median(cpu))
    });
    println!("one warm call over loopback: median of {ROUNDS} rounds of {CALLS} calls");
    println!("{:<24} {:>9} {:>7} {:>9} {:>7}", "", "wall us", "ratio", "cpu us", "ratio");
    for (name, (wall, cpu)) in names.iter().zip(medians) {
        let (wall_ratio, cpu_ratio) = (wall / medians[0].0, cpu / medians[0].1);
        println!("{name:<24} {wall:>9.1} {wall_ratio:>7.2} {cpu:>9.1} {cpu_ratio:>7.2}");
    }
    Ok(())
}
