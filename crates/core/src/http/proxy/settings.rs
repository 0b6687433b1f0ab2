//! The proxy that the settings of Windows name ("Internet Options"), where the environment names none.

use crate::input::endpoint::Endpoint;

/// What the settings hold.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// `host:port`, or one for each scheme: `http=host:port;https=host:port`.
    server: String,
    /// What is gone to directly: patterns with `*`, separated by semicolons; `<local>` is every name without a dot.
    overrides: String,
    /// Whether they name a script (PAC), which nothing here can run.
    pub(super) has_script: bool,
}

impl Settings {
    /// The settings of this user; `None` where there are none.
    ///
    /// What a script (PAC) says is not looked at, nor are automatic detection and what a policy sets for the whole
    /// machine.
    #[cfg(windows)]
    pub(super) fn of_user() -> Option<Settings> {
        const PATH: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
        let key = windows_registry::CURRENT_USER.open(PATH).ok()?;
        let text = |name: &str| key.get_string(name).unwrap_or_default();
        let is_on = key.get_u32("ProxyEnable").is_ok_and(|on| on != 0);
        let (server, overrides) = if is_on {
            (text("ProxyServer"), text("ProxyOverride"))
        } else {
            (String::new(), String::new())
        };
        let has_script = !text("AutoConfigURL").trim().is_empty();
        Some(Settings { server, overrides, has_script })
    }

    /// Elsewhere there are none.
    #[cfg(not(windows))]
    pub(super) fn of_user() -> Option<Settings> {
        None
    }

    /// The proxy for this base URL. One for SOCKS, which Windows would take where it knows of no better, comes as
    /// such, so that it is refused: to go past it would be another thing than what was set.
    pub(super) fn proxy(&self, endpoint: &Endpoint) -> Option<String> {
        if self.is_direct(endpoint) {
            return None;
        }
        let mut entries = self.server.split([';', ' ']).filter(|entry| !entry.is_empty());
        let found = if self.server.contains('=') {
            let scheme = if endpoint.is_https() { "https" } else { "http" };
            let of = |scheme: &str| {
                let named = |entry: &str| {
                    let (name, proxy) = entry.split_once('=')?;
                    let is_it = name.trim().eq_ignore_ascii_case(scheme);
                    Some(proxy.trim().to_owned()).filter(|proxy| is_it && !proxy.is_empty())
                };
                entries.clone().find_map(named)
            };
            of(scheme).or_else(|| Some(format!("socks://{}", of("socks")?)))
        } else {
            entries.next().map(|proxy| proxy.trim().to_owned())
        };
        found.filter(|proxy| !proxy.is_empty())
    }

    fn is_direct(&self, endpoint: &Endpoint) -> bool {
        let (host, port) = endpoint.host_and_port();
        let host = host.to_ascii_lowercase();
        // An IPv6 address stands there with its brackets or without.
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let with_port = format!("{bracketed}:{port}");
        let scheme = if endpoint.is_https() { "https" } else { "http" };
        let mut entries = self.overrides.split([';', ' ', '\t', '\r', '\n']);
        entries.any(|entry| {
            let entry = entry.trim().to_ascii_lowercase();
            let (of, pattern) = entry.split_once("://").unwrap_or((scheme, &entry));
            match pattern {
                "" => false,
                "<local>" => !host.contains(['.', ':']),
                _ => {
                    of == scheme
                        && [&host, &bracketed, &with_port].iter().any(|it| matches(pattern, it))
                }
            }
        })
    }
}

/// Whether a pattern, in which `*` stands for anything, is for the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const API: &str = "https://api.example.test";

    #[rstest]
    #[case::for_all("p:1", "", Some("p:1"))]
    #[case::of_the_scheme("http=q:2;https=p:1;ftp=r:3", "", Some("p:1"))]
    #[case::of_others("http=q:2;ftp=r:3", "", None)]
    #[case::with_scheme("http://p:1", "", Some("http://p:1"))]
    #[case::nothing("", "", None)]
    #[case::direct("p:1", "api.example.test", None)]
    #[case::in_a_list("p:1", "other.test;*.Example.test;<local>", None)]
    #[case::in_the_middle("p:1", "api.*.test", None)]
    #[case::by_port("p:1", "api.example.test:443", None)]
    #[case::by_scheme("p:1", "https://*.example.test", None)]
    #[case::everything("p:1", "*", None)]
    #[case::of_another_scheme("p:1", "http://*.example.test", Some("p:1"))]
    #[case::other_port("p:1", "*:8443", Some("p:1"))]
    #[case::a_part("p:1", "example.test;api.example", Some("p:1"))]
    #[case::twice_the_same("p:1", "api.example.test*api.example.test", Some("p:1"))]
    #[case::has_dots("p:1", "<local>;;", Some("p:1"))]
    #[case::not_past_loopback("p:1", "<-loopback>", Some("p:1"))]
    #[case::socks("http=q:2;socks=s:4", "", Some("socks://s:4"))]
    #[case::socks_last("socks=s:4;HTTPS=p:1", "", Some("p:1"))]
    #[case::socks_of_nobody("socks=;http=q:2", "", None)]
    fn the_proxy_that_counts(
        #[case] server: &str,
        #[case] overrides: &str,
        #[case] expected: Option<&str>,
    ) {
        let settings =
            Settings { server: server.into(), overrides: overrides.into(), has_script: false };
        let endpoint = Endpoint::new(API, true).unwrap();
        assert_eq!(settings.proxy(&endpoint).as_deref(), expected);
    }

    #[rstest]
    #[case("https://intranet", "<local>", true)]
    #[case("https://10.1.2.3", "10.*", true)]
    #[case("https://10.1.2.3", "10.1.2.4", false)]
    #[case("https://[fd00::1]", "fd00:*", true)]
    #[case("https://[fd00::1]", "<local>", false)]
    #[case("https://[fd00::1]", "[fd00::1]", true)]
    #[case("https://[fd00::1]:8443", "[fd00::*]:8443", true)]
    #[case("https://[fd00::1]", "[fd00::2]", false)]
    #[case("https://INTRANET.example.test", "intranet.*", true)]
    #[case("https://intranet.example.test", "intranet", false)]
    fn what_is_gone_to_directly(#[case] url: &str, #[case] overrides: &str, #[case] direct: bool) {
        let settings =
            Settings { server: "p:1".into(), overrides: overrides.into(), has_script: false };
        let endpoint = Endpoint::new(url, true).unwrap();
        assert_eq!(settings.proxy(&endpoint).is_none(), direct);
    }
}
