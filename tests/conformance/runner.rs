//! The conformance runner of the Rust crate: see README.md beside this file. Uses the crate and nothing else.

use std::io::{BufRead, Write};
use std::time::{Duration, UNIX_EPOCH};

use mpt_tokens::{ApiToken, BatchItem, BatchOptions, ClientBuilder, Error, Outcome};

type Fields = Vec<(String, String)>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line)? > 0 {
        let mut out = String::new();
        if let Err(error) = answer(&decode(line.trim_end_matches('\n'))?, &mut out) {
            tell(&mut out, error.outcome(), "Error", &error);
        }
        println!("{out}");
        std::io::stdout().flush()?;
        line.clear();
    }
    Ok(())
}

fn answer(request: &Fields, out: &mut String) -> Result<(), Error> {
    let mut builder = ClientBuilder::from_env();
    let mut batch = BatchOptions::new();
    let mut ids = Vec::new();
    let mut cancel = "";
    let mut stop_after = usize::MAX;
    let (mut is_batch, mut burns) = (false, false);
    let mut backoff = [Duration::ZERO; 2];
    for (name, value) in request {
        let number = || value.parse::<u32>().expect("a number");
        let millis = || Duration::from_millis(number().into());
        match &**name {
            "call" => (is_batch, burns) = (value.contains("batch"), value.contains("burn")),
            "id" => ids.push(value.as_str()),
            "cancel" => cancel = value,
            "stop_after" => stop_after = number() as usize,
            "concurrency" => batch = batch.concurrency(number() as usize),
            "patience_ms" => batch = batch.patience(millis()),
            "backoff_base_ms" => backoff[0] = millis(),
            "backoff_cap_ms" => backoff[1] = millis(),
            "api_token" => builder = builder.api_token(value),
            "base_url" => builder = builder.base_url(value),
            "ca_file" => builder = builder.ca_file(value),
            "proxy" => builder = builder.proxy(value),
            "attempts" => builder = builder.attempts(number()),
            "timeout_ms" => builder = builder.timeout(millis()),
            "attempt_timeout_ms" => builder = builder.attempt_timeout(millis()),
            "connect_timeout_ms" => builder = builder.connect_timeout(millis()),
            "burn_only" => builder = builder.burn_only(value == "1"),
            "missing_ok" => builder = builder.missing_ok(value == "1"),
            "allow_own_token" => builder = builder.allow_own_token(value == "1"),
            other => panic!("nobody knows {other}"),
        }
    }
    let client = builder.backoff(backoff[0], backoff[1]).build()?;
    match cancel {
        "before" => client.cancel_handle().cancel(),
        "during" => {
            let handle = client.cancel_handle().clone();
            std::thread::spawn(move || {
                std::io::stdin().lock().read_line(&mut String::new()).expect("a line");
                handle.cancel();
            });
        }
        _ => {}
    }
    if !is_batch {
        for id in ids {
            let done = match ApiToken::new(id) {
                Ok(value) if burns => client.burn(&value),
                _ => client.delete_token(id),
            };
            match done {
                Ok(deletion) => tell(out, deletion.outcome(), "", &deletion),
                Err(error) => tell(out, error.outcome(), "Error", &error),
            }
        }
        return Ok(());
    }
    let mut count = 0;
    let item = if burns { BatchItem::of_value } else { BatchItem::from };
    let mut batch = client.batch(ids.into_iter().map(item), &batch.burn(burns))?;
    while let Some(outcome) = batch.next() {
        tell(out, &outcome, "", &client.endpoint());
        count += 1;
        if count >= stop_after {
            batch.stop();
        }
    }
    if let Some(stopped) = batch.stopped() {
        let summary = batch.summary();
        let message = encode(&stopped.to_string());
        out.push_str(&format!(
            "stopped={}&stopped_code={}&stopped_message={message}&skipped={}&not_pulled={}\n",
            stopped.reason(),
            stopped.code(),
            summary.skipped,
            summary.not_pulled.unwrap_or_default(),
        ));
    }
    Ok(())
}

fn tell(out: &mut String, outcome: &Outcome, raised: &str, shown: &dyn std::fmt::Debug) {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let problem = outcome.problem();
    let fields = [
        ("id", text(outcome.id())),
        ("outcome", outcome.kind().to_string()),
        ("code", outcome.code().to_string()),
        ("http_status", outcome.http_status().map(|status| status.to_string()).unwrap_or_default()),
        ("attempts", outcome.attempts().len().to_string()),
        ("rounds", outcome.rounds().to_string()),
        ("settled_at_ms", outcome.settled_at().duration_since(UNIX_EPOCH).expect("after 1970").as_millis().to_string()),
        ("title", text(problem.and_then(|problem| problem.title()))),
        ("detail", text(problem.and_then(|problem| problem.detail()))),
        ("message", outcome.message().to_owned()),
        ("retryable", u8::from(outcome.retryable()).to_string()),
        ("retry_after", outcome.retry_after().map(|wait| wait.as_secs_f64().to_string()).unwrap_or_default()),
        ("trace_id", text(outcome.trace_id())),
        ("raised", raised.to_owned()),
        ("shown", format!("{shown:?}")),
    ];
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    out.push_str(&pairs.join("&"));
    out.push('\n');
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn decode(line: &str) -> Result<Fields, Box<dyn std::error::Error>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').ok_or("no =")?;
        let mut bytes = Vec::new();
        let mut rest = value.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(if byte == b'%' {
                let digits = [rest.next().ok_or("cut")?, rest.next().ok_or("cut")?];
                u8::from_str_radix(std::str::from_utf8(&digits)?, 16)?
            } else {
                byte
            });
        }
        Ok((name.to_owned(), String::from_utf8(bytes)?))
    };
    line.split('&').map(pair).collect()
}
