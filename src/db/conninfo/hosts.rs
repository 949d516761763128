//! The comma lists `host`, `hostaddr` and `port`, and the password of each server.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::account;
use super::parse::Settings;
use super::pgpass::{self, Wanted};
use super::types::Host;
use crate::db::env::Env;

const DEFAULT_PORT: u16 = 5432;
/// Debian's and Red Hat's packages use the first, PostgreSQL's own sources the second.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Every server, in order, with its password.
pub(super) fn resolve(
    settings: &Settings,
    env: &Env,
    user: &str,
    dbname: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<Host>, String> {
    let list = |name: &str| settings.get(name).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    if let (Some(names), Some(addresses)) = (&names, &addresses)
        && names.len() != addresses.len()
    {
        return Err(format!("{} hosts and {} addresses (hostaddr) do not pair up", names.len(), addresses.len()));
    }
    let count = names.as_ref().or(addresses.as_ref()).map_or(1, Vec::len);
    if let Some(ports) = &ports
        && ports.len() != 1
        && ports.len() != count
    {
        return Err(format!("{} ports and {count} hosts do not pair up", ports.len()));
    }
    let passfile = Passfile::open(settings, env, notes);
    let mut hosts = Vec::with_capacity(count);
    for index in 0..count {
        let at = |list: &Option<Vec<&str>>| {
            list.as_ref().and_then(|list| list.get(index).copied()).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let port = match &ports {
            Some(one) if one.len() == 1 => port(one.first().copied().unwrap_or(""))?,
            Some(_) | None => port(&at(&ports).unwrap_or_default())?,
        };
        let address = match at(&addresses) {
            Some(text) => Some(text.parse().map_err(|_| format!("hostaddr \"{text}\" is not an IP address"))?),
            None => None,
        };
        let given = at(&names);
        if given.as_ref().is_some_and(|name| name.starts_with('@')) {
            return Err("sockets in the abstract namespace (@) are not supported".to_owned());
        }
        // With an address alone, the certificate is checked against the address.
        let name = match given.or_else(|| address.map(|a: std::net::IpAddr| a.to_string())) {
            Some(name) => name,
            None => default_host(port, settings, env)?,
        };
        let password = settings.get("password").cloned().or_else(|| passfile.find(&name, port, dbname, user));
        hosts.push(Host { name, address, port, password });
    }
    Ok(hosts)
}

fn port(text: &str) -> Result<u16, String> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    // Not repeated: a misplaced password ends up here.
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| "a port is not a number from 1 to 65535".to_owned())
}

/// The first directory with a server's socket for that port. Where anybody may put one, it must be somebody's who is
/// trusted with the password that is sent through it: whoever wants another names the folder.
fn default_host(port: u16, settings: &Settings, env: &Env) -> Result<String, String> {
    let found = SOCKET_DIRECTORIES.into_iter().find_map(|directory| {
        let folder = Path::new(directory);
        let socket = folder.join(format!(".s.PGSQL.{port}"));
        let owner = std::fs::symlink_metadata(&socket).ok()?.uid();
        let anybody = std::fs::metadata(folder).is_ok_and(|folder| folder.mode() & 0o002 != 0);
        Some((directory, socket, anybody.then_some(owner)))
    });
    match found {
        None => Ok("localhost".to_owned()),
        Some((directory, _, None)) => Ok(directory.to_owned()),
        Some((directory, _, Some(owner))) if may_serve(owner, settings, env) => Ok(directory.to_owned()),
        Some((directory, socket, Some(owner))) => Err(format!(
            "no host is given, and {} in a folder that anybody can write to belongs to the user {}, neither root, postgres, \
             oneself nor whom requirepeer names: give host={directory}, or another host, to say which server is meant",
            socket.display(),
            account::name_of(owner)
        )),
    }
}

fn may_serve(owner: u32, settings: &Settings, env: &Env) -> bool {
    let named = ["root", "postgres"].into_iter().chain(settings.get("requirepeer").map(String::as_str));
    let mut trusted = named.filter_map(account::uid_of).chain(account::own_uid(env.home()));
    trusted.any(|uid| uid == owner)
}

/// The text of the password file, once, for all servers.
struct Passfile(Option<String>);

impl Passfile {
    fn open(settings: &Settings, env: &Env, notes: &mut Vec<String>) -> Self {
        let path = settings
            .get("passfile")
            .map(PathBuf::from)
            .or_else(|| env.home().map(|home| home.join(".pgpass")))
            .filter(|_| !settings.contains_key("password"));
        Self(path.and_then(|path| match pgpass::read(&path) {
            Ok(text) => text,
            Err(note) => {
                notes.push(note);
                None
            }
        }))
    }

    fn find(&self, name: &str, port: u16, dbname: &str, user: &str) -> Option<String> {
        // libpq looks a socket in its default directory up as localhost.
        let host = if SOCKET_DIRECTORIES.contains(&name) { "localhost" } else { name };
        pgpass::find(self.0.as_deref()?, Wanted { host, port: &port.to_string(), dbname, user })
    }
}
