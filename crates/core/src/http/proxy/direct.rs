//! `NO_PROXY`: the hosts that are gone to directly.
//!
//! There is no standard for it. This takes what the common tools do, together: entries between commas, spaces or
//! semicolons, each `*`, a host, a domain, an address, or a network in CIDR (RFC 4632, section 3.1).

use std::net::IpAddr;

use crate::input::endpoint::Endpoint;

/// One entry.
#[derive(Debug, PartialEq, Eq)]
enum Permit {
    Everything,
    /// An address and how many of its bits count.
    Network(IpAddr, u32),
    /// A host, and all hosts under it.
    Domain(String),
}

/// Whether the list names the endpoint's host; `unknown` hears of each entry that is not understood.
pub(super) fn is_direct(list: &str, endpoint: &Endpoint, mut unknown: impl FnMut(&str)) -> bool {
    let (host, port) = endpoint.host_and_port();
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
    let mut direct = false;
    for text in list.split([',', ';', ' ', '\t', '\n', '\r']).filter(|text| !text.is_empty()) {
        let Some((entry, wanted)) = parse(text) else {
            unknown(text);
            continue;
        };
        direct |= wanted.is_none_or(|wanted| wanted == port)
            && match (entry, address) {
                (Permit::Everything, _) => true,
                (Permit::Network(network, bits), Some(address)) => is_in(address, network, bits),
                (Permit::Network(..), None) => false,
                (Permit::Domain(domain), _) => {
                    let front = host.strip_suffix(domain.as_str());
                    front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
                }
            };
    }
    direct
}

/// An entry and its port, if it is for one only; `None` when it is not understood.
fn parse(text: &str) -> Option<(Permit, Option<u16>)> {
    let text = text.to_ascii_lowercase();
    if text == "*" {
        return Some((Permit::Everything, None));
    }
    if let Some((address, bits)) = text.split_once('/') {
        let address = bare_address(address)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits| *bits <= most)?;
        return Some((Permit::Network(address, bits), None));
    }
    if let Some(address) = bare_address(&text) {
        return Some((Permit::Network(address, 128), None));
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => (name, Some(port.parse().ok()?)),
        None => (text.as_str(), None),
    };
    if let Some(address) = bare_address(name) {
        return Some((Permit::Network(address, 128), port));
    }
    let domain = name.strip_prefix('*').unwrap_or(name);
    let domain = domain.strip_prefix('.').unwrap_or(domain).trim_end_matches('.');
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    // Four numbers that are no address, or some of them, are a mistake, not a name.
    let of_an_address = |c: char| c.is_ascii_digit() || c == '.';
    let is_name = !domain.is_empty() && domain.chars().all(of_a_name);
    (is_name && !domain.chars().all(of_an_address))
        .then(|| (Permit::Domain(domain.to_owned()), port))
}

fn bare_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok()
}

/// Whether the first `bits` are the same.
fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.leading_zeros() >= bits.min(32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V4(address), IpAddr::V6(network)) => {
            let mapped = address.to_ipv6_mapped().to_bits();
            (mapped ^ network.to_bits()).leading_zeros() >= bits && bits >= 96
        }
        (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn direct(base_url: &str, list: &str) -> (bool, Vec<String>) {
        let endpoint = Endpoint::new(base_url, true).unwrap();
        let mut unknown = Vec::new();
        let direct = is_direct(list, &endpoint, |entry| unknown.push(entry.to_owned()));
        (direct, unknown)
    }

    #[rstest]
    #[case::in_a_network("https://10.1.2.3", "10.0.0.0/8", true)]
    #[case::in_no_network("https://11.1.2.3", "10.0.0.0/8", false)]
    #[case::last_of_it("https://192.168.3.255", "192.168.2.0/23", true)]
    #[case::after_it("https://192.168.4.0", "192.168.2.0/23", false)]
    #[case::everything("https://8.8.8.8", "0.0.0.0/0", true)]
    #[case::only_one("https://8.8.8.8", "8.8.8.8/32", true)]
    #[case::only_another("https://8.8.8.8", "8.8.8.9/32", false)]
    #[case::of_a_name("https://api.example.test", "10.0.0.0/8", false)]
    #[case::ipv6("https://[fd00::1]", "fd00::/8", true)]
    #[case::ipv6_in_brackets("https://[fd00::1]", "[fd00::]/8", true)]
    #[case::ipv6_other("https://[fe80::1]", "fd00::/8", false)]
    #[case::ipv6_everything("https://[fe80::1]", "::/0", true)]
    #[case::the_other_kind("https://[fd00::1]", "0.0.0.0/0", false)]
    #[case::mapped("https://[::ffff:10.1.2.3]", "10.0.0.0/8", true)]
    #[case::spaces("https://api.example.test", "one.test two.test api.example.test", true)]
    #[case::semicolons("https://api.example.test", "one.test;api.example.test", true)]
    #[case::everything_between("https://api.example.test", "a.test; , *\t,b.test", true)]
    #[case::lines("https://api.example.test", "a.test\r\napi.example.test\n", true)]
    #[case::network_between("https://10.1.2.3", "localhost 10.0.0.0/8;b.test", true)]
    fn networks_and_separators(#[case] url: &str, #[case] list: &str, #[case] expected: bool) {
        assert_eq!(direct(url, list), (expected, Vec::new()));
    }

    /// What is not understood names nothing, is told, and leaves the rest as it is.
    #[rstest]
    fn not_understood(
        #[values(
            "10.0.0.0/33",
            "10.0.0.0/x",
            "10.0.0.0/",
            "fd00::/129",
            "http://api.example.test",
            "api.example.test/path",
            "api.example.test:https",
            "api.example.test:99999",
            "api.*.test",
            "10.1.*",
            "10.1.2",
            "10.1.2.256",
            "**",
            ".",
            "user:hunter22@api.example.test"
        )]
        entry: &str,
    ) {
        assert_eq!(direct("https://api.example.test", entry), (false, vec![entry.to_owned()]));
        let list = format!("{entry},example.test");
        assert_eq!(direct("https://api.example.test", &list), (true, vec![entry.to_owned()]));
    }
}
