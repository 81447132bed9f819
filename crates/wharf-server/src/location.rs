//! The absolute URLs in answers, by registry:2's order of what tells scheme and host: `http.host`, `Forwarded`, `X-Forwarded-*`,
//! `Host`. Whatever is no valid authority is passed over, down to a path alone.

use http::header::{FORWARDED, HeaderMap};
use http::uri::Authority;
use http::{HeaderValue, Uri};

use crate::config::{PathPrefix, PublicHost};

/// How URLs are made.
#[derive(Debug, Clone)]
pub(crate) struct Locations {
    pub(crate) host: Option<PublicHost>,
    pub(crate) prefix: PathPrefix,
    pub(crate) relative: bool,
}

impl Locations {
    /// What stands before `/v2/` in URLs of answers to a request.
    pub(crate) fn base(&self, headers: &HeaderMap, uri: &Uri) -> String {
        let prefix = self.prefix.as_str().trim_end_matches('/');
        if let Some(host) = &self.host {
            let path = host.path().trim_end_matches('/');
            return format!("{}://{}{path}{prefix}", host.scheme(), host.authority());
        }
        if self.relative {
            return prefix.to_owned();
        }
        match origin(headers, uri) {
            Some((scheme, authority)) => format!("{scheme}://{authority}{prefix}"),
            None => prefix.to_owned(),
        }
    }
}

/// A header value of a URL that was built from checked parts.
pub(crate) fn header_value(url: &str) -> HeaderValue {
    HeaderValue::from_str(url).unwrap_or(HeaderValue::from_static("/v2/"))
}

fn origin(headers: &HeaderMap, uri: &Uri) -> Option<(&'static str, Authority)> {
    // HTTP/2 has the authority in the request target.
    let own = || {
        text(headers, "host")
            .and_then(authority)
            .or_else(|| uri.authority().cloned())
    };
    if let Some(forwarded) = headers.get(FORWARDED).and_then(|value| value.to_str().ok()) {
        // The first element is what the client's own proxy saw.
        let first = forwarded.split(',').next().unwrap_or_default();
        let parameter = |name: &str| {
            first
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='))
                .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"')))
        };
        let host = parameter("host").and_then(authority).or_else(own)?;
        return Some((scheme(parameter("proto")), host));
    }
    let forwarded_host = text(headers, "x-forwarded-host").and_then(|hosts| authority(hosts.split(',').next()?.trim()));
    Some((scheme(text(headers, "x-forwarded-proto")), forwarded_host.or_else(own)?))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn scheme(proto: Option<&str>) -> &'static str {
    match proto {
        Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

/// A host with or without port: a name, an IPv4 address or an IPv6 address in brackets. User names don't belong into answers.
fn authority(text: &str) -> Option<Authority> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit()));
    if is_host && is_port { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(headers: &[(&'static str, &str)]) -> String {
        let locations = Locations {
            host: None,
            prefix: PathPrefix::default(),
            relative: false,
        };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        locations.base(&headers, &Uri::from_static("/v2/"))
    }

    #[test]
    fn the_order_is_registry_2s() {
        assert_eq!(base(&[("host", "a:5000")]), "http://a:5000");
        assert_eq!(base(&[("host", "a"), ("x-forwarded-proto", "https")]), "https://a");
        assert_eq!(
            base(&[
                ("host", "a"),
                ("x-forwarded-host", "b, c"),
                ("x-forwarded-proto", "https")
            ]),
            "https://b"
        );
        let forwarded = ("forwarded", "for=x; proto=https; host=\"d:1\", host=e");
        assert_eq!(
            base(&[("host", "a"), forwarded, ("x-forwarded-host", "b")]),
            "https://d:1"
        );
    }

    #[test]
    fn what_is_no_authority_is_never_reflected() {
        assert_eq!(base(&[("host", "a b")]), "");
        assert_eq!(base(&[("host", "a"), ("x-forwarded-host", "e/vil")]), "http://a");
        assert_eq!(base(&[("host", "a"), ("x-forwarded-proto", "javascript")]), "http://a");
        for bad in ["user@a", "a:b", "a:99999", "a:", "a'b;c,d", "[::1", "a/b"] {
            assert_eq!(base(&[("host", bad)]), "", "{bad}");
        }
        for good in ["a:5000", "[::1]:5000", "[::1]", "a_b.c-d"] {
            assert_eq!(base(&[("host", good)]), format!("http://{good}"));
        }
    }
}
