//! The address of a memory: a PostgreSQL URL with the name of a schema.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::Error;
use crate::passfile;

/// The schema of a URL that names none.
const SCHEMA: &str = "rekall";

/// The server keeps 63 bytes of a name and drops the rest.
const LONGEST_NAME: usize = 63;

/// How long to wait for a connection by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// After how long a silent connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long what was sent may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// How a connection is protected: the values of `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not at all.
    Disable,
    /// Encrypted if the server can, whoever it is.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, and the server has a certificate of an authority that is trusted.
    VerifyAuthority,
    /// The same, and the certificate is for the host of the URL.
    VerifyFull,
}

impl Security {
    fn parse(value: &str) -> Option<Self> {
        Some(match value {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyAuthority,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// Where a memory is, and how to get there.
#[derive(Clone)]
pub(crate) struct Address {
    /// What the client needs, the password included. Its `Debug` leaves the password out.
    pub(crate) config: Config,
    pub(crate) security: Security,
    /// A file of certificates in PEM form to trust instead of the authorities of the web.
    pub(crate) authorities: Option<PathBuf>,
    pub(crate) schema: String,
}

impl Address {
    /// Reads a URL: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME`, with further parameters after `&`.
    ///
    /// # Errors
    /// [`Error::BadUrl`], which never shows the URL: it may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let (base, own) = split(url)?;
        let mut config: Config = base.parse().map_err(|error: tokio_postgres::Error| bad(reason(&error)))?;
        let mut address = Self {
            security: Security::Prefer,
            authorities: None,
            schema: SCHEMA.to_owned(),
            config: Config::new(),
        };
        let mut passfile = None;
        for (name, value) in own {
            match name {
                "schema" => address.schema = value,
                "sslrootcert" => address.authorities = Some(value.into()),
                "passfile" => passfile = Some(PathBuf::from(value)),
                _ => {
                    address.security = Security::parse(&value).ok_or_else(|| {
                        bad("sslmode must be disable, prefer, require, verify-ca or verify-full".to_owned())
                    })?;
                }
            }
        }
        check_schema(&address.schema)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(bad("it names no host".to_owned()));
        }
        config.ssl_mode(match address.security {
            Security::Disable => SslMode::Disable,
            Security::Prefer => SslMode::Prefer,
            Security::Require | Security::VerifyAuthority | Security::VerifyFull => SslMode::Require,
        });
        if config.get_application_name().is_none() {
            config.application_name("rekall");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        // A server whose machine or network is gone says nothing: the system finds out.
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE / 3).keepalives_retries(3);
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED);
        }
        address.config = config;
        address.find_password(passfile);
        Ok(address)
    }

    /// The password from elsewhere, if the URL has none: where the server's own programs look for it.
    fn find_password(&mut self, passfile: Option<PathBuf>) {
        if self.config.get_password().is_some() {
            return;
        }
        let found = env::var("PGPASSWORD").ok().or_else(|| {
            let path = passfile.or_else(passfile::default_path)?;
            passfile::password(&path, &self.wanted())
        });
        if let Some(password) = found {
            self.config.password(password);
        }
    }

    /// What a line of a password file has to fit.
    fn wanted(&self) -> passfile::Wanted {
        let (host, port) = self.hosts().into_iter().next().unwrap_or_default();
        let user = self.config.get_user().unwrap_or_default().to_owned();
        let database = self.config.get_dbname().unwrap_or(&user).to_owned();
        passfile::Wanted { host, port, database, user }
    }

    /// Hosts with their ports.
    fn hosts(&self) -> Vec<(String, u16)> {
        let ports = self.config.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let named = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let numbered = self.config.get_hostaddrs().iter().map(ToString::to_string);
        let hosts: Vec<String> =
            if self.config.get_hosts().is_empty() { numbered.collect() } else { named.collect() };
        hosts.into_iter().enumerate().map(|(index, host)| (host, port(index))).collect()
    }

    /// How long a connection may take to come about.
    pub(crate) fn connect_timeout(&self) -> Duration {
        let hosts = u32::try_from(self.hosts().len()).unwrap_or(u32::MAX);
        self.config.get_connect_timeout().map_or(CONNECT_TIMEOUT, |each| each.saturating_mul(hosts.max(1)))
    }
}

/// Without the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (host, port)) in self.hosts().iter().enumerate() {
            write!(f, "{}{host}:{port}", if index == 0 { "" } else { "," })?;
        }
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        write!(f, "/{database}, schema {}", self.schema)
    }
}

/// Without the password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// A name as SQL wants it, whatever characters it has.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Parameters with their values.
type Parameters<'u> = Vec<(&'u str, String)>;

/// The URL without our parameters, which the client reads, and these.
fn split(url: &str) -> Result<(String, Parameters<'_>), Error> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(bad("it must begin with postgres:// or postgresql://".to_owned()));
    }
    // As the client does: a password may hold anything but an at sign.
    let after_password = url.find('@').map_or(0, |at| at + 1);
    let Some(mark) = url[after_password..].find('?').map(|at| after_password + at) else {
        return Ok((url.to_owned(), Vec::new()));
    };
    let (mut base, mut own) = (url[..mark].to_owned(), Vec::new());
    let mut separator = '?';
    for parameter in url[mark + 1..].split('&') {
        let (name, value) =
            parameter.split_once('=').ok_or_else(|| bad("a parameter has no value".to_owned()))?;
        if ["schema", "sslmode", "sslrootcert", "passfile"].contains(&name) {
            own.push((name, decoded(value)?));
        } else {
            base.push(separator);
            base.push_str(parameter);
            separator = '&';
        }
    }
    Ok((base, own))
}

fn decoded(value: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digits = [rest.next(), rest.next()].map(|digit| (digit? as char).to_digit(16));
            let [Some(high), Some(low)] = digits else {
                return Err(bad("a percent sign must be followed by two hexadecimal digits".to_owned()));
            };
            u8::try_from(16 * high + low).unwrap_or_default()
        } else {
            byte
        });
    }
    String::from_utf8(bytes).map_err(|_| bad("a parameter is not UTF-8".to_owned()))
}

fn check_schema(name: &str) -> Result<(), Error> {
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && !name.contains('\0');
    if fits && !name.starts_with("pg_") && name != "information_schema" {
        return Ok(());
    }
    Err(bad(format!(
        "a schema's name must have 1 to {LONGEST_NAME} bytes and not be one of the server's own"
    )))
}

fn bad(problem: String) -> Error {
    Error::BadUrl { problem }
}

/// What an error says at its root: the client's own texts say only that there was one.
fn reason(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_server_database_schema_and_protection() {
        let address =
            Address::parse("postgres://ann@db.example:6543/team?schema=a%22b&sslmode=verify-full").unwrap();
        assert_eq!(address.schema, "a\"b");
        assert_eq!(quoted(&address.schema), "\"a\"\"b\"");
        assert_eq!(address.security, Security::VerifyFull);
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.to_string(), "db.example:6543/team, schema a\"b");
        let address = Address::parse("postgresql://ann@[::1]/team").unwrap();
        assert_eq!(address.to_string(), "::1:5432/team, schema rekall");
        assert_eq!(address.security, Security::Prefer);
        let socket = Address::parse("postgres://ann@/team?host=/run/postgresql&port=6543").unwrap();
        assert_eq!(socket.to_string(), "/run/postgresql:6543/team, schema rekall");
        let two = Address::parse("postgres://ann@a,b:7/team?application_name=x&connect_timeout=3").unwrap();
        assert_eq!(two.to_string(), "a:5432,b:7/team, schema rekall");
        assert_eq!(two.connect_timeout(), Duration::from_secs(6));
        assert_eq!(two.config.get_application_name(), Some("x"));
    }

    #[test]
    fn a_bad_url_is_refused_and_not_shown() {
        for (url, reason) in [
            ("/var/lib/notes.db", "must begin with"),
            ("postgres://ann:hunter2@h/db?schema", "has no value"),
            ("postgres://ann:hunter2@h/db?schema=", "1 to 63 bytes"),
            ("postgres://ann:hunter2@h/db?schema=pg_toast", "server's own"),
            ("postgres://ann:hunter2@h/db?schema=a%0", "two hexadecimal digits"),
            ("postgres://ann:hunter2@h/db?schema=%ff", "not UTF-8"),
            ("postgres://ann:hunter2@h/db?schema=a%00", "1 to 63 bytes"),
            ("postgres://ann:hunter2@h/db?sslmode=allow", "sslmode must be"),
            ("postgres://ann:hunter2@h/db?colour=hunter2", "colour"),
            ("postgres://ann:hunter2@h:port/db", "port"),
            ("postgres://ann:hunter2@/db", "no host"),
        ] {
            let error = Address::parse(url).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(said.contains(reason), "{url}: {said}");
            assert!(!said.contains("hunter2"), "{url}: {said}");
        }
    }

    #[test]
    fn no_form_of_an_address_shows_the_password() {
        let address = Address::parse("postgres://ann:hun?ter2@h/db?schema=s").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"hun?ter2"[..]));
        for form in [format!("{address}"), format!("{address:?}"), format!("{:?}", address.config)] {
            assert!(!form.contains("ter2"), "{form}");
        }
    }
}
