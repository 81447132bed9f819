//! Where the server listens and under which address clients know it.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// Where the server accepts connections: `http.net` with `http.addr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A TCP port.
    Tcp(TcpAddress),
    /// A Unix socket at this path.
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A host and a TCP port as Go writes them: `127.0.0.1:5000`, `[::1]:5000`, `localhost:5000`, or
/// `:5000` for all interfaces.
///
/// ```
/// use wharf_server::config::TcpAddress;
///
/// let address: TcpAddress = "[::1]:5000".parse()?;
/// assert_eq!((address.host(), address.port()), (Some("::1"), 5000));
/// assert_eq!(":5000".parse::<TcpAddress>()?.host(), None);
/// assert!("127.0.0.1".parse::<TcpAddress>().is_err());
/// assert!("::1:5000".parse::<TcpAddress>().is_err());
/// # Ok::<(), wharf_server::config::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpAddress {
    host: String,
    port: u16,
}

impl TcpAddress {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = host.to_owned();
        Self { host, port }
    }

    /// An IP address without brackets, or a host name to resolve; `None` for all interfaces.
    pub fn host(&self) -> Option<&str> {
        (!self.host.is_empty()).then_some(self.host.as_str())
    }

    /// The port; 0 lets the system choose one.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Why a text is no TCP address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// There is no `:PORT` at the end.
    #[error("it has no `:PORT`")]
    NoPort,
    /// The port is no number up to 65535.
    #[error("its port is no number from 0 to 65535")]
    Port,
    /// The host is no IPv4 address, no IPv6 address in brackets and no host name.
    #[error("its host is no IP address (IPv6 in brackets) and no host name")]
    Host,
}

impl FromStr for TcpAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
        if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AddressError::Port);
        }
        let port = port.parse().map_err(|_| AddressError::Port)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(host) if host.parse::<Ipv6Addr>().is_ok() => host,
            None if host.bytes().all(is_host_name_byte) => host,
            _ => return Err(AddressError::Host),
        };
        Ok(Self::new(host, port))
    }
}

fn is_host_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// The address under which clients reach the server (`http.host`), in front of every absolute
/// `Location`.
///
/// ```
/// use wharf_server::config::PublicHost;
///
/// let host: PublicHost = "https://registry.example.com/mirror/".parse()?;
/// assert_eq!((host.scheme(), host.authority()), ("https", "registry.example.com"));
/// assert_eq!(host.path(), "/mirror/");
/// assert!("registry.example.com".parse::<PublicHost>().is_err());
/// assert!("https://user:pw@registry.example.com".parse::<PublicHost>().is_err());
/// # Ok::<(), wharf_server::config::PublicHostError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHost {
    scheme: String,
    authority: String,
    path: String,
}

impl PublicHost {
    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Host and, where given, port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What stands between authority and `v2/`; starts and ends with `/`. As in registry:2, what
    /// follows the last `/` of the configured path is dropped.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Why a text is no public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PublicHostError {
    /// registry:2 ignores such a value.
    #[error("it does not start with `http://` or `https://`")]
    NoScheme,
    /// The rest is no host with optional port and path.
    #[error("it is no URL of a host, with optional port and path")]
    NotAHost,
}

impl FromStr for PublicHost {
    type Err = PublicHostError;

    fn from_str(text: &str) -> Result<Self, PublicHostError> {
        if !text.contains("://") {
            return Err(PublicHostError::NoScheme);
        }
        let uri: Uri = text.parse().map_err(|_| PublicHostError::NotAHost)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(PublicHostError::NotAHost);
        };
        if !matches!(scheme, "http" | "https") {
            return Err(PublicHostError::NoScheme);
        }
        if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty() {
            return Err(PublicHostError::NotAHost);
        }
        let directory = uri.path().rfind('/').map_or("", |slash| &uri.path()[..slash]);
        Ok(Self {
            scheme: scheme.to_owned(),
            authority: authority.to_string(),
            path: format!("{directory}/"),
        })
    }
}

impl fmt::Display for PublicHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

/// The path under which all routes but `/` live (`http.prefix`).
///
/// ```
/// use wharf_server::config::PathPrefix;
///
/// assert_eq!("/images/".parse::<PathPrefix>()?.as_str(), "/images/");
/// assert_eq!("/images".parse::<PathPrefix>()?.as_str(), "/images/");
/// assert!("images/".parse::<PathPrefix>().is_err());
/// assert!("/a b/".parse::<PathPrefix>().is_err());
/// # Ok::<(), wharf_server::config::PathPrefixError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPrefix(String);

impl PathPrefix {
    /// Starts and ends with `/`; `/` alone when there is no prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PathPrefix {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

/// The prefix does not start with `/`, or holds more than plain path segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is no path of letters, digits and `-._~` between slashes")]
pub struct PathPrefixError;

impl FromStr for PathPrefix {
    type Err = PathPrefixError;

    fn from_str(text: &str) -> Result<Self, PathPrefixError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if text == "/" {
            return Ok(Self::default());
        }
        let inner = text.strip_prefix('/').ok_or(PathPrefixError)?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
        if inner.split('/').all(is_segment) {
            Ok(Self(format!("/{inner}/")))
        } else {
            Err(PathPrefixError)
        }
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_addresses_round_trip() {
        for text in ["127.0.0.1:5000", ":5000", "[::1]:0", "localhost:65535", "0.0.0.0:80"] {
            let address: TcpAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
        for (text, error) in [
            ("", AddressError::NoPort),
            ("5000", AddressError::NoPort),
            ("h:", AddressError::Port),
            ("h:65536", AddressError::Port),
            ("h:+1", AddressError::Port),
            ("h:http", AddressError::Port),
            ("::1:5000", AddressError::Host),
            ("[h]:5000", AddressError::Host),
            ("a b:1", AddressError::Host),
            ("http://h:1", AddressError::Host),
        ] {
            assert_eq!(text.parse::<TcpAddress>(), Err(error), "{text}");
        }
    }

    #[test]
    fn public_hosts_keep_the_directory_of_their_path() {
        for (text, shown) in [
            ("https://h", "https://h/"),
            ("http://h:5000/", "http://h:5000/"),
            ("https://h/a/b", "https://h/a/"),
            ("https://[::1]:5000/a/", "https://[::1]:5000/a/"),
        ] {
            let host: PublicHost = text.parse().expect(text);
            assert_eq!(host.to_string(), shown);
        }
        for (text, error) in [
            ("h:5000", PublicHostError::NoScheme),
            ("ftp://h", PublicHostError::NoScheme),
            ("https://", PublicHostError::NotAHost),
            ("https://h?x", PublicHostError::NotAHost),
            ("https://a b", PublicHostError::NotAHost),
        ] {
            assert_eq!(text.parse::<PublicHost>(), Err(error), "{text}");
        }
    }

    #[test]
    fn prefixes_are_plain_paths() {
        for (text, prefix) in [("/", "/"), ("/a/b", "/a/b/"), ("/a/b/", "/a/b/")] {
            assert_eq!(text.parse::<PathPrefix>().expect(text).to_string(), prefix);
        }
        for text in ["", "a/", "//", "/a//b/", "/../", "/a?b/", "/é/"] {
            assert_eq!(text.parse::<PathPrefix>(), Err(PathPrefixError), "{text}");
        }
    }
}
