//! reqwest's blocking client as a peer of `cargo xtask bench`: makes as many warm calls as each line of standard input
//! asks for, and tells the seconds of wall and of processor time that they took.

use std::error::Error;
use std::io::stdin;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("MPT_API_BASE_URL")?;
    let target = format!("{url}/public/v1/accounts/api-tokens/TKN-1671-0642");
    let token = std::env::var("MPT_API_TOKEN")?;
    let client = reqwest::blocking::Client::builder().no_proxy().build()?;
    for line in stdin().lines() {
        let calls: u32 = line?.trim().parse()?;
        let (wall, cpu) = (Instant::now(), busy());
        for _ in 0..calls {
            let answer = client.delete(&target).bearer_auth(&token).send()?;
            assert_eq!(answer.status(), 204);
        }
        println!("{} {}", wall.elapsed().as_secs_f64(), (busy() - cpu).as_secs_f64());
    }
    Ok(())
}

/// The processor time of this process so far, of all its threads.
fn busy() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.try_into().unwrap_or(0))
}
